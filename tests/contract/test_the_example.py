"""The example that plugins/README.md begins with works as a stranger uses it: copied to another place."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from dropstreamd.platform.loader import GROUP

ROOT = Path(__file__).parents[2]
LONG = "outages or cut or cancelled or dies"
"""Rules that every other plugin is held to as well; `pytest plugins/example` tries them on this one too."""


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(
        shutil.copytree(
            ROOT / "plugins/example", tmp_path / "acme", ignore=shutil.ignore_patterns("__pycache__")
        )
    )


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a module of Python's in a folder, where nothing but the daemon itself is installed."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_its_contract_suite_passes_by_the_command_that_the_guide_gives(copied: Path) -> None:
    done = run(copied, "pytest", "-q", "-p", "no:cacheprovider", "-k", f"not ({LONG})")
    assert done.returncode == 0, done.stdout
    assert "1 xfailed" in done.stdout


def test_its_sample_is_checked_with_the_plugin_of_a_folder(copied: Path) -> None:
    conf = copied / "conf"
    for name in ("merchants.d", "connections.d"):
        (conf / name).mkdir(parents=True)
    shutil.copy(copied / "sample.toml", conf / "merchants.d/acme.toml")
    (conf / "dropstreamd.toml").write_text(f'plugin_path = ["{copied}"]\n')
    done = run(copied, "dropstreamd", "check", "--conf", str(conf), "--no-secrets")
    assert done.returncode == 0, done.stdout
    assert "1 warehouses" in done.stdout


def test_an_installed_one_is_found_by_its_entry_point(copied: Path) -> None:
    """As an installer leaves it: the package, and beside it what pyproject.toml says of it."""
    project = tomllib.loads((copied / "pyproject.toml").read_text())["project"]
    about = copied / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Name: {project['name']}\nVersion: {project['version']}\n")
    points = "\n".join(f"{name} = {at}" for name, at in project["entry-points"][GROUP].items())
    (about / "entry_points.txt").write_text(f"[{GROUP}]\n{points}\n")
    (copied / "show.py").write_text(
        "from dropstreamd.platform.loader import load_plugins\n"
        "found = load_plugins(())['acme-wms']\n"
        "print(found.origin, repr(found.problem), found.plugin.title)\n"
    )
    done = run(copied, "show")
    assert done.stdout == "the package dropstream-acme-wms '' Acme WMS\n", done.stderr
