"""A Tryton on an SQLite database: the first start on a machine makes it, later ones copy that."""

import contextlib
import hashlib
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ..installed import folder
from ..process import alone, free_port, run
from ..server import Launch, Server

PROJECT = Path(__file__).parent
DATABASE = "wms"
ADMIN = "admin"  # its password too; the server listens on 127.0.0.1 alone
USER, PASSWORD = "dropstreamd", "correct horse battery"
MODULES = ("stock_package_shipping", "stock_split", "purchase")


TrytonServer = Server


@contextlib.contextmanager
def running_tryton() -> Iterator[TrytonServer]:
    """A server for the time of the block; its database is deleted at the end."""
    with tempfile.TemporaryDirectory(prefix="tryton-") as name:
        base = Path(name)
        shutil.copyfile(_prepared(), base / f"{DATABASE}.sqlite")
        port = free_port()
        server = TrytonServer(_launch(base, port), port)
        try:
            server.start()
            yield server
        finally:
            server.stop()


def _launch(base: Path, port: int) -> Launch:
    argv: list[str | Path] = [_program("trytond"), "-c", _configure(base, port), "-d", DATABASE]
    return Launch(argv=argv, log=base / "trytond.log", within_s=120)


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
