"""A Medusa with its database: the first start on a machine makes its tables, later ones unpack them."""

import contextlib
import hashlib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from ..installed import folder, node, postgresql_programs
from ..postgres import Postgres
from ..process import Child, accepts, alone, free_port, run
from .entry import OWNER, PASSWORD, new_secret_key

PROJECT = Path(__file__).parent
CONFIG = "medusa-config.js"
DATABASE = "medusa"


class MedusaServer:
    """One running Medusa. `restart` brings the process back on the same port and the same data."""

    def __init__(self, database: Postgres, port: int) -> None:
        self.database = database
        self.port = port
        self._child: Child | None = None

    @cached_property
    def secret_key(self) -> str:
        """A secret API key, made when it is first needed."""
        return new_secret_key(self.url)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.database.folder / "medusa.log"

    @property
    def pid(self) -> int:
        """Of the Node.js process, to be stopped or killed by a test."""
        if self._child is None:
            raise ValueError("Medusa was not started")
        return self._child.process.pid

    def start(self, *, detached: bool = False) -> None:
        """Return once it answers on its port."""
        self._child = Child(
            [*_medusa(self.database), "start", "--port", str(self.port), "--host", "127.0.0.1"],
            log=self.log,
            env=_environment(self.database),
            cwd=_project(self.database),
            detached=detached,
        )
        self._child.wait_until(lambda: accepts(self.port), within_s=120)

    def stop(self) -> None:
        """End Medusa as a crash would, not its database."""
        if self._child:
            self._child.kill()

    def restart(self) -> None:
        self.stop()
        self.start()


@contextlib.contextmanager
def running_medusa() -> Iterator[MedusaServer]:
    """A server for the time of the block; its database is deleted at the end."""
    server = start_medusa()
    try:
        yield server
    finally:
        server.stop()
        server.database.delete()


def start_medusa(*, detached: bool = False) -> MedusaServer:
    """Start a database and a Medusa on it; the caller stops both and deletes the database."""
    database = Postgres.unpack(_migrated())
    try:
        database.start(detached=detached)
        server = MedusaServer(database, free_port())
        server.start(detached=detached)
    except BaseException:
        database.delete()
        raise
    return server


def _migrated() -> Path:
    """The archive of a database with Medusa's tables and its owner, made if this version has none yet."""
    archive = folder() / f"medusa-{_version()}.tar"
    with alone(archive):
        if not archive.exists():
            _migrate(archive)
    return archive


def _migrate(archive: Path) -> None:
    database = Postgres.create()
    try:
        database.start()
        database.sql(f"CREATE DATABASE {DATABASE}")
        for command in (("db:migrate",), ("user", "-e", OWNER, "-p", PASSWORD)):
            run([*_medusa(database), *command], env=_environment(database), cwd=_project(database))
        database.stop()
        database.pack(archive)
    finally:
        database.delete()


def _version() -> str:
    """Names everything that the data depends on."""
    digest = hashlib.sha256(str(postgresql_programs()).encode())
    for name in ("package-lock.json", CONFIG, "entry.py", "../postgres.py"):
        digest.update((PROJECT / name).read_bytes())
    return digest.hexdigest()[:16]


def _medusa(database: Postgres) -> list[Path]:
    return [node() or Path("node"), _project(database) / "node_modules" / "@medusajs" / "cli" / "cli.js"]


def _project(database: Postgres) -> Path:
    """The folder that Medusa runs in: this version's configuration beside the installed packages."""
    project = database.folder / "project"
    if not project.exists():
        project.mkdir()
        (project / CONFIG).write_bytes((PROJECT / CONFIG).read_bytes())
        (project / "package.json").write_bytes((PROJECT / "package.json").read_bytes())
        (project / "node_modules").symlink_to(folder() / "medusa" / "node_modules")
    return project


def _environment(database: Postgres) -> dict[str, str]:
    socket = str(database.folder)
    return {
        # One of Medusa's two pools takes the socket from the address, the other from its options.
        "DATABASE_URL": f"postgres://postgres@localhost/{DATABASE}?host={socket}",
        "DATABASE_SOCKET": socket,
        "MEDUSA_DISABLE_TELEMETRY": "true",
        "NODE_ENV": "production",
        "LOG_LEVEL": "warn",
    }
