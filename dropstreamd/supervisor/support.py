"""Which jobs a connection has: those for which both its sides provide the part."""

from dropstreamd.channels.jobs import JOBS, Job
from dropstreamd.config.schema import Connection, WarehouseAccount
from dropstreamd.errors import Misconfigured
from dropstreamd.supervisor.host import Accounts


def unsupported(job: Job, connection: Connection, account: WarehouseAccount, accounts: Accounts) -> str:
    """Why the job does not exist for this connection; empty where it does."""
    lacking = []
    for side, platform in (("store", connection.store.platform), ("warehouse", account.platform)):
        try:
            plugin = accounts.plugin(platform)
        except Misconfigured as error:
            return error.message
        if job.part not in plugin.provides:
            lacking.append(f"the {side}'s platform, {plugin.title}, does not offer {job.part}")
    return "; ".join(lacking)


def jobs(connection: Connection, account: WarehouseAccount, accounts: Accounts) -> tuple[Job, ...]:
    """The jobs that the connection has."""
    return tuple(job for job in JOBS if not unsupported(job, connection, account, accounts))
