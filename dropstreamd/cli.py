"""The command `dropstreamd`: run the daemon, check its configuration, show a demonstration."""

import argparse
import io
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TextIO

from dropstreamd import __version__, app
from dropstreamd.channels.left_behind import left_behind
from dropstreamd.config.check import check
from dropstreamd.config.load import load_daemon
from dropstreamd.config.schema import Config, DaemonSettings
from dropstreamd.config.secrets import SecretStore
from dropstreamd.errors import ConfigError, StoreError
from dropstreamd.platform.loader import load_plugins
from dropstreamd.sandbox import demo
from dropstreamd.store.environment import STATE_FILE, open_beside

CONF_DIR = Path("/etc/dropstreamd")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit status."""
    parser = argparse.ArgumentParser(
        prog="dropstreamd", description="Joins eCommerce stores to third-party warehouses."
    )
    parser.add_argument("--version", action="version", version=f"dropstreamd {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("run", "run the daemon in the foreground"),
        ("check", "say everything that is wrong with the configuration; exit status 1 if anything is"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument(
            "--conf", type=Path, default=CONF_DIR, metavar="DIR", help=f"its folder (default {CONF_DIR})"
        )
        if name == "check":
            command.add_argument(
                "--no-secrets", action="store_true", help="do not look whether secrets can be read here"
            )
    text = "show it at work, on this machine alone: under a minute, nothing is left behind"
    command = commands.add_parser("demo", help=text, description=text)
    command.add_argument(
        "--keep",
        action="store_true",
        help="let all of it run on afterwards, until Ctrl-C, to be tried by hand",
    )
    given = parser.parse_args(arguments)
    if given.command == "run":
        return app.run(given.conf, os.environ)
    if given.command == "demo":
        return demo.run(sys.stdout, stay=given.keep)
    said = io.StringIO()
    status = _check(given.conf, said, look_at_secrets=not given.no_secrets)
    _say(said.getvalue())
    return status


def _say(text: str) -> None:
    """Print it, whether or not somebody reads it to its end (`| head`)."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes stdout once more at exit, which would fail again and say so.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _check(conf_dir: Path, out: TextIO, *, look_at_secrets: bool) -> int:
    try:
        settings = load_daemon(conf_dir)
    except ConfigError:
        # `check` finds it again, with everything else that is wrong.
        return check(conf_dir, load_plugins(()), out, secrets=None)
    credentials = os.environ.get("CREDENTIALS_DIRECTORY")
    secrets = SecretStore(settings.state_dir, Path(credentials) if credentials else None)
    plugins = load_plugins(settings.plugin_path)
    if not look_at_secrets:
        return check(conf_dir, plugins, out, secrets=None)
    return check(conf_dir, plugins, out, secrets=secrets, known=partial(_left_behind, settings))


def _left_behind(settings: DaemonSettings, config: Config) -> list[str]:
    """What these files would leave behind of what is in the state."""
    path = settings.state_dir / STATE_FILE
    try:
        if not path.is_file():
            return []
        with open_beside(path, limit_bytes=settings.state_limit_bytes) as state:
            found = state.read(partial(left_behind, config=config, broken=()))
    except (StoreError, OSError) as error:
        return [f"what is open in the state was not looked at: {error}"]
    return [str(each) for each in found]
