"""A Tryton on an SQLite database: the first start on a machine makes it, later ones copy that."""

import contextlib
import hashlib
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ..installed import folder
from ..process import Child, accepts, alone, free_port, run

PROJECT = Path(__file__).parent
DATABASE = "wms"
ADMIN = "admin"  # its password too; the server listens on 127.0.0.1 alone
USER, PASSWORD = "dropstreamd", "correct horse battery"
MODULES = ("stock_package_shipping", "stock_split", "purchase")


class TrytonServer:
    """One running Tryton, in a folder of its own."""

    def __init__(self, base: Path, port: int) -> None:
        self.base = base
        self.port = port
        self._child: Child | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.base / "trytond.log"

    def start(self) -> None:
        """Return once it answers on its port."""
        _configure(self.base, self.port)
        argv: list[str | Path] = [_program("trytond"), "-c", self.base / "trytond.conf", "-d", DATABASE]
        self._child = Child(argv, log=self.log)
        self._child.wait_until(lambda: accepts(self.port), within_s=120)

    def stop(self) -> None:
        """End it as a crash would."""
        if self._child:
            self._child.kill()

    def restart(self) -> None:
        self.stop()
        self.start()


@contextlib.contextmanager
def running_tryton() -> Iterator[TrytonServer]:
    """A server for the time of the block; its database is deleted at the end."""
    with tempfile.TemporaryDirectory(prefix="tryton-") as name:
        base = Path(name)
        shutil.copyfile(_prepared(), base / f"{DATABASE}.sqlite")
        server = TrytonServer(base, free_port())
        try:
            server.start()
            yield server
        finally:
            server.stop()


def _prepared() -> Path:
    """A filled database, made if this version of the project has none yet."""
    ready = folder() / f"tryton-{_version()}.sqlite"
    with alone(ready):
        if not ready.exists():
            _prepare(ready)
    return ready


def _prepare(ready: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="tryton-") as name:
        base = Path(name)
        database = base / f"{DATABASE}.sqlite"
        database.touch()
        configuration = _configure(base, free_port())
        password = base / "password"
        password.write_text(ADMIN)
        admin: list[str | Path] = [_program("trytond-admin"), "-c", configuration, "-d", DATABASE]
        environment = {"TRYTONPASSFILE": str(password)}
        run([*admin, "--all", "--email", "admin@example.com"], env=environment)
        run([*admin, "-u", *MODULES, "--activate-dependencies"], env=environment)
        run([_program("python"), PROJECT / "prepare.py", configuration, DATABASE])
        made = ready.with_suffix(f".{base.name}")
        shutil.copyfile(database, made)
        made.rename(ready)


def _configure(base: Path, port: int) -> Path:
    configuration = base / "trytond.conf"
    configuration.write_text(
        f"[database]\nuri = sqlite://\npath = {base}\n[web]\nlisten = 127.0.0.1:{port}\n"
        "[session]\nmax_attempt = 1000\nmax_attempt_ip_network = 1000\n"
    )
    return configuration


def _program(name: str) -> Path:
    return folder() / "tryton" / "bin" / name


def _version() -> str:
    """Names everything that the prepared data depends on."""
    digest = hashlib.sha256(f"{sys.version_info[:2]} {MODULES}".encode())
    for name in ("requirements.txt", "prepare.py"):
        digest.update((PROJECT / name).read_bytes())
    return digest.hexdigest()[:16]
