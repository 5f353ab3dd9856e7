"""A Vendure with its database: the first start on a machine seeds it, later ones unpack that."""

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path

from ..installed import folder, node, postgresql_programs
from ..postgres import Postgres
from ..process import Child, accepts, alone, free_port, run

PROJECT = Path(__file__).parent
PROGRAM = PROJECT / "server.js"
DATABASE = "vendure"
SUPERADMIN = "superadmin"  # its password too; the server listens on 127.0.0.1 alone


class VendureServer:
    """One running Vendure. `restart` brings the process back on the same port and the same data."""

    def __init__(self, database: Postgres, port: int) -> None:
        self.database = database
        self.port = port
        self._child: Child | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.database.folder / "vendure.log"

    @property
    def pid(self) -> int:
        """Of the Node.js process, to be stopped or killed by a test."""
        if self._child is None:
            raise ValueError("Vendure was not started")
        return self._child.process.pid

    def start(self, *, detached: bool = False) -> None:
        """Return once it answers on its port."""
        self._child = Child(
            [node() or "node", PROGRAM, "serve"],
            log=self.log,
            env=_environment(self.database, self.port),
            detached=detached,
        )
        self._child.wait_until(lambda: accepts(self.port), within_s=60)

    def stop(self) -> None:
        """End Vendure as a crash would, not its database (a polite stop waits for idle connections)."""
        if self._child:
            self._child.kill()

    def restart(self) -> None:
        self.stop()
        self.start()


@contextlib.contextmanager
def running_vendure() -> Iterator[VendureServer]:
    """A server for the time of the block; its database is deleted at the end."""
    server = start_vendure()
    try:
        yield server
    finally:
        server.stop()
        server.database.delete()


def start_vendure(*, detached: bool = False) -> VendureServer:
    """Start a database and a Vendure on it; the caller stops both and deletes the database."""
    database = Postgres.unpack(_seeded())
    try:
        database.start(detached=detached)
        server = VendureServer(database, free_port())
        server.start(detached=detached)
    except BaseException:
        database.delete()
        raise
    return server


def _seeded() -> Path:
    """The archive of a seeded database, made if this version of the project has none yet."""
    archive = folder() / f"vendure-{_version()}.tar"
    with alone(archive):
        if not archive.exists():
            _seed(archive)
    return archive


def _seed(archive: Path) -> None:
    database = Postgres.create()
    try:
        database.start()
        database.sql(f"CREATE DATABASE {DATABASE}")
        run([node() or "node", PROGRAM, "seed"], env=_environment(database, free_port()))
        database.stop()
        database.pack(archive)
    finally:
        database.delete()


def _version() -> str:
    """Names everything that the seeded data depends on."""
    digest = hashlib.sha256(str(postgresql_programs()).encode())
    for name in ("package-lock.json", "server.js", "../postgres.py"):
        digest.update((PROJECT / name).read_bytes())
    return digest.hexdigest()[:16]


def _environment(database: Postgres, port: int) -> dict[str, str]:
    return {
        "NODE_PATH": str(folder() / "vendure" / "node_modules"),
        "VENDURE_DISABLE_TELEMETRY": "true",
        "VENDURE_PORT": str(port),
        "VENDURE_DATABASE": DATABASE,
        "VENDURE_DATABASE_SOCKET": str(database.folder),
        "VENDURE_DATABASE_USER": "postgres",
    }
