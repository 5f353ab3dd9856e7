"""Which jobs a connection has: those whose needs its two sides meet."""

from dropstreamd.channels.jobs import JOBS, Job
from dropstreamd.config.schema import Connection, WarehouseAccount
from dropstreamd.errors import Misconfigured
from dropstreamd.supervisor.host import Accounts


def unsupported(job: Job, connection: Connection, account: WarehouseAccount, accounts: Accounts) -> str:
    """Why the job does not exist for this connection; empty where it does."""
    try:
        store = accounts.plugin(connection.store.platform)
        warehouse = accounts.plugin(account.platform)
    except Misconfigured as error:
        return error.message
    titles = {"store": store.title, "warehouse": warehouse.title}
    reasons = []
    for needs in job.needs:
        if not needs.where(connection):
            continue
        lacking = needs.lacking(accounts.offers(connection.store), accounts.offers(account))
        if not lacking:
            return ""
        found = [f"the {side}'s platform, {titles[side]}, does not offer {part}" for side, part in lacking]
        reasons.append((f"{needs.what}: " if needs.what else "") + "; ".join(found))
    return "; ".join(reasons)


def jobs(connection: Connection, account: WarehouseAccount, accounts: Accounts) -> tuple[Job, ...]:
    """The jobs that the connection has."""
    return tuple(job for job in JOBS if not unsupported(job, connection, account, accounts))
