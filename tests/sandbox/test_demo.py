"""What `dropstreamd demo --keep` does after its tour."""

import io
import os
import shlex
import signal
from pathlib import Path

import pytest
import trio

from dropstreamd.control.client import commands
from dropstreamd.sandbox import demo
from dropstreamd.sandbox.demo import keep


class _Said(io.StringIO):
    """Tells when its text was handed on."""

    def __init__(self) -> None:
        super().__init__()
        self.flushed = trio.Event()

    def flush(self) -> None:
        self.flushed.set()


async def test_it_runs_on_until_ctrl_c_and_says_what_to_try(tmp_path: Path) -> None:
    out, socket = _Said(), tmp_path / "control.sock"
    async with trio.open_nursery() as nursery:
        nursery.start_soon(keep, socket, "1001", out)
        await out.flushed.wait()
        os.kill(os.getpid(), signal.SIGINT)
    lines = [shlex.split(line, comments=True) for line in out.getvalue().splitlines() if "--socket" in line]
    assert [line[3] for line in lines] == ["status", "run", "order"]
    for line in lines:
        assert Path(line[0]).name == "dropstreamctl"
        assert commands({}).parse(line[1:]).socket == str(socket)
    assert str(socket) in out.getvalue()


def test_it_says_why_it_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "READY_S", 0.0)
    out = io.StringIO()
    assert demo.run(out) == 1
    assert "The demo failed: the daemon did not get ready" in out.getvalue()
