"""A PostgreSQL of the tests' own: a Unix socket, no TCP port, no durability."""

import os
import shutil
import signal
import tempfile
from pathlib import Path

from .installed import postgresql_programs
from .process import Child, current_user, run

# A crash of the machine may lose this data: nothing of it is wanted then.
FAST = [
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
]

MEMORY = Path("/dev/shm")  # noqa: S108 - the folder made there has a random name and mode 0700
ROOM_BYTES = 2 << 30


def server_user() -> str:
    """PostgreSQL refuses to run as root: Debian's `postgres` then, otherwise whoever runs the tests."""
    return current_user() if os.geteuid() else "postgres"


class Postgres:
    """One database cluster in a temporary folder, which is also the folder of its socket."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.user = server_user()
        self._child: Child | None = None

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @staticmethod
    def create() -> "Postgres":
        """A new, empty cluster."""
        cluster = Postgres(_new_folder())
        small = ["--no-sync", "--wal-segsize=1"]
        cluster._run("initdb", "-D", cluster.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", *small)
        return cluster

    @staticmethod
    def unpack(archive: Path) -> "Postgres":
        """A copy of the cluster that `pack` has kept."""
        cluster = Postgres(_new_folder())
        run(["tar", "-C", cluster.folder, "-xf", archive, "data"])
        return cluster

    def pack(self, archive: Path) -> None:
        """Keep the stopped cluster in one file, complete under its name or absent."""
        part = archive.with_suffix(f".{os.getpid()}.part")
        run(["tar", "-C", self.folder, "-cf", part, "data"])
        part.rename(archive)

    def start(self, *, detached: bool = False) -> None:
        """Return once it takes connections."""
        settings = [word for setting in FAST for word in ("-c", setting)]
        socket = ["-c", "listen_addresses=", "-k", str(self.folder)]
        self._child = Child(
            [_program("postgres"), "-D", self.data, *socket, *settings],
            log=self.folder / "postgres.log",
            user=self.user,
            detached=detached,
        )
        self._child.wait_until(self._ready, within_s=30)

    def stop(self) -> None:
        """Stop (fast shutdown) and keep the data."""
        if self._child:
            self._child.stop(signal=signal.SIGINT)

    def delete(self) -> None:
        """Stop at once and remove everything."""
        if self._child:
            self._child.stop(signal=signal.SIGQUIT)
        shutil.rmtree(self.folder)

    @property
    def pid(self) -> int:
        """The first line of the file that a running server keeps."""
        return int((self.data / "postmaster.pid").read_text().splitlines()[0])

    def sql(self, statements: str, *, database: str = "postgres") -> str:
        """Run them in one transaction as the cluster's owner and return the plain rows."""
        return self._run("psql", "-h", self.folder, "-U", "postgres", "-Atqc", statements, database)

    def _ready(self) -> bool:
        status = self.data / "postmaster.pid"
        return status.exists() and "ready" in status.read_text()

    def _run(self, program: str, *arguments: str | Path) -> str:
        return run([_program(program), *arguments], user=self.user)


def _new_folder() -> Path:
    """In memory where there is room: on a busy disk a start takes several times as long."""
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM_BYTES
    folder = Path(tempfile.mkdtemp(prefix="dropstreamd-postgres-", dir=MEMORY if roomy else None))
    shutil.chown(folder, server_user())
    return folder


def _program(name: str) -> Path:
    programs = postgresql_programs()
    if programs is None:
        raise FileNotFoundError("PostgreSQL")
    return programs / name
