"""The real daemon as a process of its own, driven over its control socket as an operator would."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from tests.counterparts.plain import no_tls

READY_S = 60.0
RUN_S = 300.0


class Daemon:
    """Its configuration, state and process. `kill` is kill -9; `start` begins it again on what is left."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.conf = folder / "conf"
        self.state = folder / "state"
        self.log = folder / "log"
        self.socket = folder / "control.sock"
        self.log.touch()
        self._process: subprocess.Popen[bytes] | None = None
        self._http = self._client()
        for name in ("connections.d", "merchants.d"):
            (self.conf / name).mkdir(parents=True)
        secrets = self.state / "secrets"
        secrets.mkdir(parents=True, mode=0o700)
        self.state.chmod(0o700)
        (self.conf / "dropstreamd.toml").write_text(
            f'state_dir = "{self.state}"\nsocket = "{self.socket}"\nmetrics = false\n'
            'state_limit = "1GiB"\ngrace = "20s"\n'
        )

    def write(self, name: str, text: str) -> None:
        """A file of the configuration, such as `merchants.d/acme.toml`."""
        (self.conf / name).write_text(text)

    def secret(self, name: str, value: str) -> None:
        path = self.state / "secrets" / name
        path.touch(mode=0o600)
        path.write_text(value)

    # ---- the process

    def start(self) -> None:
        """Start it and wait until it says that it is ready."""
        told = self.folder / "notify.sock"
        told.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify, self.log.open("ab") as log:
            notify.bind(str(told))
            self._process = subprocess.Popen(
                [sys.executable, "-m", "dropstreamd", "run", "--conf", str(self.conf)],
                stderr=log,
                stdout=log,
                env={**os.environ, "NOTIFY_SOCKET": str(told)},
            )
            deadline_s = time.monotonic() + READY_S
            while True:
                notify.settimeout(0.2)
                with contextlib.suppress(TimeoutError):
                    if b"READY=1" in notify.recv(4096):
                        return
                if self._process.poll() is not None or time.monotonic() > deadline_s:
                    raise AssertionError(f"the daemon did not get ready:\n{self.log.read_text()[-4000:]}")

    def kill(self) -> None:
        """kill -9."""
        self._hang_up()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> int:
        """SIGTERM; its exit status."""
        if self._process is None:
            return 0
        self._hang_up()
        self._process.send_signal(signal.SIGTERM)
        status = self._process.wait(timeout=60)
        self._process = None
        return status

    def reload(self) -> None:
        """SIGHUP."""
        if self._process is not None:
            self._process.send_signal(signal.SIGHUP)

    # ---- its API

    def ask(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
        """One call; what it answered. Anything but success is a failure of the test."""
        answer = self.call(method, path, body)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def call(self, method: str, path: str, body: Mapping[str, object] | None = None) -> httpx.Response:
        return self._http.request(method, f"/v1{path}", json={} if body is None and method != "GET" else body)

    def _client(self) -> httpx.Client:
        transport = httpx.HTTPTransport(uds=str(self.socket), verify=no_tls())
        return httpx.Client(transport=transport, base_url="http://dropstreamd", timeout=120, trust_env=False)

    def _hang_up(self) -> None:
        """The daemon that comes next is called anew."""
        self._http.close()
        self._http = self._client()

    def close(self) -> None:
        """kill -9, and nobody calls it again."""
        self.kill()
        self._http.close()

    def enable(self, connection: str, *channels: str) -> None:
        self.ask("POST", f"/connections/{connection}/enable")
        for channel in channels:
            self.ask("POST", f"/connections/{connection}/enable", {"channel": channel})

    def begin(self, connection: str, job: str, **given: object) -> str:
        """Ask for a run; its id."""
        channel, name = job.split(".")
        path = f"/connections/{connection}/channels/{channel}/jobs/{name}/run"
        run: str = self.ask("POST", path, given)["run"]
        return run

    def run(self, connection: str, job: str, **given: object) -> Counter[str]:
        """Run a job to its end, which must be a good one; what it counted."""
        ended = self.finish(connection, self.begin(connection, job, **given))
        assert ended["result"] == "done", ended
        print(job, ended["counts"])
        return Counter(ended["counts"])

    def finish(self, connection: str, run: str) -> dict[str, Any]:
        """Wait for a run's end, however it ends."""
        begun_s = time.monotonic()
        while (waited_s := time.monotonic() - begun_s) < RUN_S:
            answer = self.call("GET", f"/connections/{connection}/runs/{run}")
            if answer.status_code == 200 and answer.json()["result"] not in ("running", "waiting"):
                ended: dict[str, Any] = answer.json()
                return ended
            # A process of its own: there is no virtual time between us. Whoever asks takes its processor.
            time.sleep(min(0.5, 0.02 + waited_s / 20))
        raise AssertionError(f"run {run} did not end:\n{self.log.read_text()[-4000:]}")


@contextlib.contextmanager
def new_daemon() -> Iterator[Daemon]:
    """A daemon with an empty configuration; killed at the end. Its socket's path must be short."""
    with tempfile.TemporaryDirectory(prefix="ds-") as name:
        daemon = Daemon(Path(name))
        try:
            yield daemon
        finally:
            daemon.close()
            print(daemon.log.read_text()[-20_000:])  # shown where the test failed
