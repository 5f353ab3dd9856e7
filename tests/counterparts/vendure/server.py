"""A Vendure with its database."""

from pathlib import Path

from ..installed import folder, node
from ..postgres import Postgres
from ..process import free_port, run
from ..server import Launch
from ..store_server import Project, StoreServer

PROJECT = Path(__file__).parent
PROGRAM = PROJECT / "server.js"
DATABASE = "vendure"
SUPERADMIN = "superadmin"  # its password too; the server listens on 127.0.0.1 alone

VendureServer = StoreServer


def _seed(database: Postgres) -> None:
    run([node() or "node", PROGRAM, "seed"], env=_environment(database, free_port()))


def _launch(database: Postgres, port: int) -> Launch:
    return Launch(
        argv=[node() or "node", PROGRAM, "serve"],
        log=database.folder / "vendure.log",
        env=_environment(database, port),
        within_s=60,
    )


def _environment(database: Postgres, port: int) -> dict[str, str]:
    return {
        "NODE_PATH": str(folder() / "vendure" / "node_modules"),
        "VENDURE_DISABLE_TELEMETRY": "true",
        "VENDURE_PORT": str(port),
        "VENDURE_DATABASE": DATABASE,
        "VENDURE_DATABASE_SOCKET": str(database.folder),
        "VENDURE_DATABASE_USER": "postgres",
    }


VENDURE = Project(
    name=DATABASE,
    files=(PROJECT / "package-lock.json", PROGRAM),
    fill=_seed,
    launch=_launch,
    server=VendureServer,
)
