// A Medusa as a merchant would run it, less its admin pages, on a database given by the environment.
const { defineConfig } = require('@medusajs/framework/utils')

module.exports = defineConfig({
  projectConfig: {
    databaseUrl: process.env.DATABASE_URL,
    databaseDriverOptions: { connection: { host: process.env.DATABASE_SOCKET, ssl: false } },
    http: { storeCors: '*', adminCors: '*', authCors: '*', jwtSecret: 'a secret', cookieSecret: 'a secret' },
  },
  admin: { disable: true },
})
