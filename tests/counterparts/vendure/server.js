'use strict';
// A Vendure as a merchant would run it, on a database and a port given by the environment.
//   node server.js seed    creates the tables and the least that a shop needs, then ends
//   node server.js serve   serves both APIs until it is stopped; prints READY
const {
    bootstrap,
    DefaultLogger,
    DefaultOrderCodeStrategy,
    dummyPaymentHandler,
    JobQueueService,
    LanguageCode,
    LogLevel,
} = require('@vendure/core');
const { populate } = require('@vendure/core/cli');

const seeding = process.argv[2] === 'seed';

// A shop's order numbers are chosen by its owner; a test does it by the header `x-order-code`.
class ChosenOrderCode extends DefaultOrderCodeStrategy {
    generate(ctx) {
        return ctx.req?.headers['x-order-code'] ?? super.generate(ctx);
    }
}

const config = {
    apiOptions: { hostname: '127.0.0.1', port: Number(process.env.VENDURE_PORT), adminApiPath: 'admin-api', shopApiPath: 'shop-api' },
    authOptions: {
        tokenMethod: ['bearer', 'api-key'],
        requireVerification: false,
        superadminCredentials: { identifier: 'superadmin', password: 'superadmin' },
    },
    dbConnectionOptions: {
        type: 'postgres',
        synchronize: seeding,
        logging: false,
        host: process.env.VENDURE_DATABASE_SOCKET,
        username: process.env.VENDURE_DATABASE_USER,
        database: process.env.VENDURE_DATABASE,
    },
    logger: new DefaultLogger({ level: LogLevel.Warn, timestamp: true }),
    orderOptions: { orderCodeStrategy: new ChosenOrderCode() },
    paymentOptions: { paymentMethodHandlers: [dummyPaymentHandler] },
};

function dummyPayment(name, automaticSettle) {
    const argument = { name: 'automaticSettle', value: String(automaticSettle) };
    return { name, handler: { code: dummyPaymentHandler.code, arguments: [argument] } };
}

const initialData = {
    defaultLanguage: LanguageCode.en,
    defaultZone: 'Americas',
    countries: [
        { name: 'United States', code: 'US', zone: 'Americas' },
        { name: 'Norway', code: 'NO', zone: 'Europe' },
    ],
    taxRates: [{ name: 'Standard Tax', percentage: 0 }],
    shippingMethods: [
        { name: 'Standard Shipping', price: 500 },
        { name: 'Express Shipping', price: 1000 },
    ],
    paymentMethods: [dummyPayment('Card', true), dummyPayment('Invoice', false)],
    collections: [],
};

async function main() {
    if (seeding) {
        const app = await populate(() => bootstrap(config), initialData);
        await app.close();
        process.exit(0);
    }
    const app = await bootstrap(config);
    await app.get(JobQueueService).start();
    console.log('READY');
}

main().catch(error => {
    console.error(error);
    process.exit(1);
});
