"""What an outbox says of an attempt whose folder it finds in any state."""

from collections.abc import Callable
from pathlib import Path

import pytest

from dropstreamd.errors import ProtocolMismatch
from dropstreamd.platform.contract import InDoubt, Outcome
from dropstreamd.platform.outbox import PART_FRESH_S, Outbox, PartName, Step
from dropstreamd.sandbox.sftp_server import serve_sftp

from .outbox_rig import ACCEPTED, FILE, PASSWORD, SteppedClock, Wms, at, connected


async def recover(
    tmp_path: Path, prepare: Callable[[Wms], str], *, atomic: bool = True, age_s: float = 0
) -> tuple[list[Outcome], Wms]:
    """What `recover` says after `prepare` laid the folder out and told the last step."""
    wms = Wms(tmp_path / "wms", atomic=atomic, eager=False)
    clock = SteppedClock()
    step = prepare(wms)
    clock.at_s += age_s
    async with serve_sftp(wms.root, user="acme", password=PASSWORD, sftp=wms.serve) as account:
        return await at(account, clock, lambda outbox: outbox.recover(FILE, step, wms.record)), wms


def folder(
    stage: str, *, part: bytes | None = None, final: bytes | None = None, marker: str | None = "m"
) -> Callable[[Wms], str]:
    def lay_out(wms: Wms) -> str:
        for name, content in ((f".{FILE.name}.part", part), (FILE.name, final)):
            if content is not None:
                (wms.inbox / name).write_bytes(content)
        if marker is not None:
            (wms.inbox / ".dropstreamd").write_text(f"dropstreamd {marker}\n")
        return f"{stage} 1795000000 m"

    return lay_out


WHOLE = FILE.payload
TORN = FILE.payload[:-1]
OLD_S = PART_FRESH_S + 1


@pytest.mark.parametrize(
    ("laid_out", "age_s"),
    [
        (folder("uploaded", part=WHOLE), 0),
        (folder("uploaded", part=WHOLE), OLD_S),
        (folder("uploaded", part=TORN), 0),
        (folder("renaming", part=WHOLE), 0),
        (folder("renaming", part=WHOLE), OLD_S),
        (folder("renaming", part=WHOLE, final=WHOLE), 0),
        (folder("renaming", final=WHOLE), OLD_S),
        (folder("renaming"), 0),
        (folder("sent", part=WHOLE), OLD_S),
    ],
)
async def test_known_to_be_sent_or_sent_now(
    tmp_path: Path, laid_out: Callable[[Wms], str], age_s: float
) -> None:
    outcomes, wms = await recover(tmp_path, laid_out, age_s=age_s)
    assert outcomes == ACCEPTED
    assert not list(wms.inbox.glob("*.part"))


@pytest.mark.parametrize(
    ("laid_out", "age_s", "atomic", "why"),
    [
        (folder("uploaded"), 0, True, "somebody removed"),
        (folder("uploaded", final=TORN), 0, True, "somebody removed"),
        (folder("renaming"), OLD_S, True, "neither"),
        (folder("renaming", marker=None), 0, True, "neither"),
        (folder("renaming", marker="other"), 0, True, "neither"),
        (folder("renaming", marker="m n"), 0, True, "neither"),
        (folder("renaming", marker="m" * 300), 0, True, "neither"),
        (folder("renaming", final=TORN), 0, False, "not whole"),
        (folder("renaming", part=WHOLE), 0, False, "in one step"),
        (folder("renaming", part=WHOLE, final=TORN), 0, False, "in one step"),
    ],
)
async def test_nobody_can_tell(
    tmp_path: Path, laid_out: Callable[[Wms], str], age_s: float, atomic: bool, why: str
) -> None:
    outcomes, _ = await recover(tmp_path, laid_out, atomic=atomic, age_s=age_s)
    assert [type(outcome) for outcome in outcomes] == [InDoubt, InDoubt]
    assert isinstance(outcomes[0], InDoubt)
    assert why in outcomes[0].why


@pytest.mark.parametrize(
    ("laid_out", "name", "where"),
    [
        (folder("sent", final=WHOLE), FILE.name, "waiting"),
        (folder("sent", final=TORN, marker=None), FILE.name, "waiting"),
        (folder("sent"), FILE.name, "taken"),
        (folder("sent", marker=None), FILE.name, "unknown"),
        (folder("sent"), "", "unknown"),
        (folder("sent"), "../in/x", "unknown"),
    ],
)
async def test_where_a_file_is_that_was_sent(
    tmp_path: Path, laid_out: Callable[[Wms], str], name: str, where: str
) -> None:
    wms = Wms(tmp_path / "wms", eager=False)
    laid_out(wms)
    before = sorted(wms.inbox.iterdir())
    async with (
        serve_sftp(wms.root, user="acme", password=PASSWORD, sftp=wms.serve) as account,
        connected(account) as sftp,
    ):
        seen = await Outbox(sftp, "in", SteppedClock(), part=PartName()).look(name)
    assert seen.where == where
    assert sorted(wms.inbox.iterdir()) == before


@pytest.mark.parametrize("step", ["nonsense", "uploaded x m", "taken 1 m", "uploaded 1 m n"])
def test_a_step_that_is_none_of_ours(step: str) -> None:
    with pytest.raises(ProtocolMismatch, match="none of ours"):
        Step.parse(step)
