"""The plugin over vsftpd: what FTP changes in it."""

from collections.abc import Callable

import msgspec
import pytest

from dropstream_file_exchange import PLUGIN
from dropstream_file_exchange.check_login import PLAIN_FTP
from dropstream_file_exchange.settings import Settings
from dropstream_file_exchange.warehouse import open_warehouse
from dropstreamd.errors import Misconfigured, OutcomeUnknown
from dropstreamd.model.handover import Prepared
from dropstreamd.model.orders import OutboundOrder
from dropstreamd.platform.contract import Accepted, InDoubt, Item, Outcome
from dropstreamd.platform.secrets import Secret
from dropstreamd.testing import proxy_to
from tests.counterparts.vsftpd import PASSWORD, FtpAccount, Vsftpd

from .lent import LentHost
from .test_orders import ORDER, STAMP

pytestmark = pytest.mark.counterpart
HOST = LentHost(Secret(PASSWORD))


def settings_for(account: FtpAccount, **changes: object) -> Settings:
    secure = account.ca is not None
    fields: dict[str, object] = {
        "url": account.url,
        "password": {"secret": "acme"},
        "settle_s": 0,
        **({"ca_file": str(account.ca)} if secure else {"plain_ftp": PLAIN_FTP}),
        **changes,
    }
    settings = msgspec.convert(fields, Settings)
    assert not PLUGIN.check(settings)
    return settings


class Kept:
    """Remembers the steps that are recorded, and may break the connection after one."""

    def __init__(self, then: Callable[[str], object] = str) -> None:
        self.steps: list[str] = []
        self._then = then

    async def __call__(self, step: str, *, if_wanted: bool = False) -> None:
        self.steps.append(step)
        self._then(step)


async def prepared_by(settings: Settings) -> Prepared:
    async with open_warehouse(settings, HOST) as warehouse:
        item: Item[OutboundOrder] = Item(key="key0", document=ORDER)
        (prepared,) = warehouse.orders.prepare([item], STAMP).prepared
    return prepared


async def recovered(settings: Settings, prepared: Prepared, step: str) -> list[Outcome]:
    async with open_warehouse(settings, HOST) as warehouse:
        return list(await warehouse.orders.recover(prepared, step, Kept()))


async def test_the_test_names_encryption_and_renaming(ftp_account: FtpAccount) -> None:
    async with open_warehouse(settings_for(ftp_account), HOST) as warehouse:
        found = {finding.name: finding for finding in await warehouse.test(write=True)}
    assert list(found) == ["in", "out", "rename", "encryption", "write", "archive", "quarantine"]
    assert found["encryption"].detail.startswith("TLSv1.3")
    assert "one_step_rename = true" in found["rename"].remedy
    async with open_warehouse(settings_for(ftp_account, one_step_rename=True), HOST) as warehouse:
        found = {finding.name: finding for finding in await warehouse.test(write=False)}
    assert "in one step" in found["rename"].detail
    assert not list(ftp_account.inbox.iterdir())


async def test_plain_ftp_is_named_as_what_it_is(own_vsftpd: Callable[..., Vsftpd]) -> None:
    account = own_vsftpd(tls=False).account("acme")
    async with open_warehouse(settings_for(account), HOST) as warehouse:
        *_, last = await warehouse.test(write=False)
    assert (last.name, last.detail.partition(":")[0]) == ("encryption", "none")


async def test_a_certificate_of_an_unknown_authority_says_what_to_do(ftp_account: FtpAccount) -> None:
    async with open_warehouse(settings_for(ftp_account, ca_file=None), HOST) as warehouse:
        with pytest.raises(Misconfigured, match="certificate is not accepted") as caught:
            await warehouse.test(write=False)
    assert "ca_file" in caught.value.remedy


@pytest.mark.parametrize(("one_step", "expected"), [(True, Accepted), (False, InDoubt)])
async def test_a_part_alone_after_a_broken_rename(
    ftp_account: FtpAccount, one_step: bool, expected: type[Outcome]
) -> None:
    settings = settings_for(ftp_account, one_step_rename=one_step)
    prepared = await prepared_by(settings)
    kept = Kept()
    async with open_warehouse(settings, HOST) as warehouse:
        await warehouse.orders.push(prepared, kept)
    file = ftp_account.inbox / prepared.name
    file.rename(ftp_account.inbox / f".{prepared.name}.part")
    (outcome,) = await recovered(settings, prepared, kept.steps[-2])
    assert kept.steps[-2].startswith("renaming")
    assert isinstance(outcome, expected)
    assert file.exists() is one_step


async def test_a_rename_whose_answer_was_lost_is_found_done(ftp_account: FtpAccount) -> None:
    async with proxy_to(ftp_account.port) as proxy:
        direct = settings_for(ftp_account)
        through = settings_for(ftp_account, url=direct.url.replace(str(ftp_account.port), str(proxy.port)))
        prepared = await prepared_by(direct)

        def cut_at_the_last_answer(step: str) -> None:
            # What follows are SIZE of the target, RNFR and RNTO, each with its answer.
            if step.startswith("renaming"):
                proxy.cut(at=6)

        kept = Kept(cut_at_the_last_answer)
        async with open_warehouse(through, HOST) as warehouse:
            with pytest.raises(OutcomeUnknown):
                await warehouse.orders.push(prepared, kept)
        await proxy.settled()
    assert (ftp_account.inbox / prepared.name).read_bytes() == prepared.payload
    (outcome,) = await recovered(direct, prepared, kept.steps[-1])
    assert isinstance(outcome, Accepted)


async def test_an_order_that_was_taken_meanwhile_is_known_by_the_marker(ftp_account: FtpAccount) -> None:
    settings = settings_for(ftp_account)
    prepared = await prepared_by(settings)
    kept = Kept()
    async with open_warehouse(settings, HOST) as warehouse:
        await warehouse.orders.push(prepared, kept)
    (ftp_account.inbox / prepared.name).unlink()
    (outcome,) = await recovered(settings, prepared, kept.steps[-2])
    assert isinstance(outcome, Accepted)
    (ftp_account.inbox / ".dropstreamd").unlink()
    (outcome,) = await recovered(settings, prepared, kept.steps[-2])
    assert isinstance(outcome, InDoubt)
