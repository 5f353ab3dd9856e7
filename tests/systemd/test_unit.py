"""The unit and its companions, as systemd's own tools see them."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SYSTEMD = Path(__file__).parents[2] / "systemd"
UNIT = SYSTEMD / "dropstreamd.service"
EXPOSURE_LIMIT = 20  # tenths of systemd's scale from 0 (safe) to 10

pytestmark = [
    pytest.mark.counterpart,
    pytest.mark.skipif(
        shutil.which("systemd-analyze") is None, reason="systemd-analyze (Debian package systemd) is absent"
    ),
]


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def staged(folder: Path, replace: tuple[str, str] = ("", "")) -> Path:
    """The unit with commands that exist on this machine."""
    unit = folder / UNIT.name
    text = re.sub(r"(?m)^Exec(Start|Reload)=\S+", rf"Exec\1={sys.executable}", UNIT.read_text())
    unit.write_text(text.replace(*replace) if replace[0] else text)
    return unit


def complaints(unit: Path) -> list[str]:
    """What `verify` says of this unit, and not of others on this machine."""
    verified = run("systemd-analyze", "verify", unit)
    said = (verified.stdout + verified.stderr).splitlines()
    return [line for line in said if unit.name in line]


def test_the_unit_is_valid(tmp_path: Path) -> None:
    assert complaints(staged(tmp_path)) == []


def test_a_misspelt_setting_would_be_seen(tmp_path: Path) -> None:
    assert complaints(staged(tmp_path, ("ProtectSystem=", "ProtectSystme="))) != []


def test_the_exposure_is_small(tmp_path: Path) -> None:
    checked = run(
        "systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE_LIMIT}", staged(tmp_path)
    )
    assert checked.returncode == 0, checked.stdout


def test_a_weaker_unit_would_be_seen(tmp_path: Path) -> None:
    weaker = staged(
        tmp_path, ("CapabilityBoundingSet=\n", "CapabilityBoundingSet=CAP_SYS_ADMIN\nUser=root\n")
    )
    checked = run("systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE_LIMIT}", weaker)
    assert checked.returncode != 0


@pytest.mark.skipif(os.geteuid() != 0, reason="giving folders to another user needs root")
def test_the_user_and_the_folders_are_made_as_the_unit_expects(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    made = run("systemd-sysusers", f"--root={tmp_path}", SYSTEMD / "dropstreamd.sysusers")
    assert made.returncode == 0, made.stderr
    user = next(
        line for line in (tmp_path / "etc/passwd").read_text().splitlines() if line.startswith("drop")
    )
    name, _, uid, gid, _, home, shell = user.split(":")
    assert (name, home, shell) == ("dropstreamd", "/var/lib/dropstreamd", "/usr/sbin/nologin")

    laid = run("systemd-tmpfiles", "--create", f"--root={tmp_path}", SYSTEMD / "dropstreamd.tmpfiles")
    assert laid.returncode == 0, laid.stderr
    for folder, owner in (("", 0), ("connections.d", int(uid)), ("merchants.d", int(uid))):
        found = (tmp_path / "etc/dropstreamd" / folder).stat()
        assert (oct(found.st_mode & 0o777), found.st_uid, found.st_gid) == ("0o750", owner, int(gid))


def test_what_the_unit_may_write_is_what_tmpfiles_gives_to_the_daemon() -> None:
    writable = re.search(r"(?m)^ReadWritePaths=(.*)$", UNIT.read_text())
    given = re.findall(r"(?m)^d (\S+)\s+0750 dropstreamd ", (SYSTEMD / "dropstreamd.tmpfiles").read_text())
    assert writable is not None
    assert writable[1].split() == given
