"""A Medusa with its database: its tables, and an owner."""

from functools import cached_property
from pathlib import Path

from ..installed import folder, node
from ..postgres import Postgres
from ..process import run
from ..server import Launch
from ..store_server import Project, StoreServer
from .entry import OWNER, PASSWORD, new_secret_key

PROJECT = Path(__file__).parent
CONFIG = "medusa-config.js"
DATABASE = "medusa"


class MedusaServer(StoreServer):
    """One running Medusa."""

    @cached_property
    def secret_key(self) -> str:
        """A secret API key, made when it is first needed."""
        return new_secret_key(self.url)


def _migrate(database: Postgres) -> None:
    for command in (("db:migrate",), ("user", "-e", OWNER, "-p", PASSWORD)):
        run([*_medusa(database), *command], env=_environment(database), cwd=_project(database))


def _launch(database: Postgres, port: int) -> Launch:
    return Launch(
        argv=[*_medusa(database), "start", "--port", str(port), "--host", "127.0.0.1"],
        log=database.folder / "medusa.log",
        env=_environment(database),
        cwd=_project(database),
        within_s=120,
    )


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


MEDUSA = Project(
    name=DATABASE,
    files=tuple(PROJECT / name for name in ("package-lock.json", CONFIG, "entry.py")),
    fill=_migrate,
    launch=_launch,
    server=MedusaServer,
)
