"""Stores on Node.js, each with a PostgreSQL of its own: the first start of one on a machine fills its
database and keeps a copy, later ones unpack that."""

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from .installed import folder, postgresql_programs
from .postgres import Postgres
from .process import alone, free_port
from .server import Launch, Server


class StoreServer(Server):
    """One running store."""

    def __init__(self, launch: Launch, port: int, database: Postgres) -> None:
        super().__init__(launch, port)
        self.database = database


S = TypeVar("S", bound=StoreServer)


class Project(msgspec.Struct, Generic[S], frozen=True, kw_only=True):
    """A store's program: `fill` makes its data in the empty database `name`, `launch` tells how it is started
    on a database and a port. The data depend on the project's `files`."""

    name: str
    files: tuple[Path, ...]
    fill: Callable[[Postgres], None]
    launch: Callable[[Postgres, int], Launch]
    server: Callable[[Launch, int, Postgres], S]

    @contextlib.contextmanager
    def running(self) -> Iterator[S]:
        """A server for the time of the block; its database is deleted at the end."""
        server = self.start()
        try:
            yield server
        finally:
            server.stop()
            server.database.delete()

    def start(self, *, detached: bool = False) -> S:
        """Start a database and a server on it; the caller stops both and deletes the database."""
        database = Postgres.unpack(self._filled())
        try:
            database.start(detached=detached)
            port = free_port()
            server = self.server(self.launch(database, port), port, database)
            server.start(detached=detached)
        except BaseException:
            database.delete()
            raise
        return server

    def _filled(self) -> Path:
        """The archive of a database with its data, made if this version of the project has none yet."""
        archive = folder() / f"{self.name}-{self._version()}.tar"
        with alone(archive):
            if not archive.exists():
                self._fill(archive)
        return archive

    def _fill(self, archive: Path) -> None:
        database = Postgres.create()
        try:
            database.start()
            database.sql(f"CREATE DATABASE {self.name}")
            self.fill(database)
            database.stop()
            database.pack(archive)
        finally:
            database.delete()

    def _version(self) -> str:
        """Names everything that the data depend on."""
        digest = hashlib.sha256(str(postgresql_programs()).encode())
        for file in (*self.files, Path(__file__).with_name("postgres.py")):
            digest.update(file.read_bytes())
        return digest.hexdigest()[:16]
