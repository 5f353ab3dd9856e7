"""Which jobs a connection has: those whose needs its two sides meet."""

from collections.abc import Mapping, Sequence

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
    # How a platform is reached, in brackets behind its name, does not matter here.
    titles = {
        side: plugin.title.partition(" (")[0] for side, plugin in (("store", store), ("warehouse", warehouse))
    }
    reasons = []
    for needs in job.needs:
        if not needs.where(connection):
            continue
        lacking = needs.lacking(accounts.offers(connection.store), accounts.offers(account))
        if not lacking:
            return ""
        reasons.append((f"{needs.what}: " if needs.what else "") + _lacking(lacking, titles))
    return "; ".join(reasons)


def _lacking(lacking: Sequence[tuple[str, str]], titles: Mapping[str, str]) -> str:
    """Who does not offer what; what both lack, in one."""
    if len(lacking) == len(titles) and len({part for _, part in lacking}) == 1:
        part = lacking[0][1]
        return (
            f"neither the store's platform, {titles['store']}, nor the warehouse's, {titles['warehouse']},"
            f" offers {part}"
        )
    found = [f"the {side}'s platform, {titles[side]}, does not offer {part}" for side, part in lacking]
    return "; ".join(found)


def jobs(connection: Connection, account: WarehouseAccount, accounts: Accounts) -> tuple[Job, ...]:
    """The jobs that the connection has."""
    return tuple(job for job in JOBS if not unsupported(job, connection, account, accounts))
