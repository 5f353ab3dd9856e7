"""Warehouses that exchange CSV or X12 files over SFTP or FTPS."""

from dropstream_file_exchange import abilities
from dropstream_file_exchange.check import check
from dropstream_file_exchange.opening import open_account
from dropstream_file_exchange.settings import Settings, account_key, formerly
from dropstreamd.platform.contract import Plugin, Role

PLUGIN = Plugin(
    name="file-exchange",
    title="File exchange (CSV or X12 over SFTP or FTPS)",
    role=Role.WAREHOUSE,
    provides=abilities.OF_X12,
    settings=Settings,
    account_key=account_key,
    formerly=formerly,
    open=open_account,
    check=check,
    offers=abilities.offers,
    amends=abilities.amends,
    cancels=abilities.cancels,
    lacks=abilities.lacks,
    routes=abilities.routes,
    adjusts=abilities.adjusts,
    claims=abilities.claims,
    untold=abilities.untold,
    takes_within_s=abilities.TAKES_WITHIN_S,
)
