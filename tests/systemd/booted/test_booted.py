"""The unit in a Debian of its own, under a systemd that has really booted it. Long: see tests/README.md."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PROJECT = HERE.parents[2]
PACKAGES = "systemd,systemd-sysv,dbus,python3-venv,ca-certificates"
NEEDED = ("systemd-nspawn", "debootstrap")
CONF = "/etc/systemd/system"
RUN_ONCE = """\
[Unit]
After=multi-user.target
[Service]
Type=oneshot
TimeoutStartSec=10min
EnvironmentFile=/root/environment
ExecStart=/bin/bash -c 'bash /root/script >/root/said 2>&1; echo "exit $?" >>/root/said'
ExecStopPost=/bin/systemctl poweroff --no-block
"""

pytestmark = [
    pytest.mark.counterpart,
    pytest.mark.timeout(1800),
    pytest.mark.skipif("DROPSTREAMD_BOOTED" not in os.environ, reason="long: DROPSTREAMD_BOOTED turns it on"),
    pytest.mark.skipif(os.geteuid() != 0, reason="booting a container needs root"),
    pytest.mark.skipif(
        any(shutil.which(name) is None for name in NEEDED), reason=f"{' or '.join(NEEDED)} is absent"
    ),
]


@pytest.fixture
def tree() -> Iterator[Path]:
    """A fresh Debian 12 with this project in /root/project; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="booted-", dir="/var/tmp") as name:
        tree = Path(name) / "debian"
        build = ("debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", tree)
        subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
        skipped = shutil.ignore_patterns(".*", "__pycache__", "node_modules", "build")
        shutil.copytree(PROJECT, tree / "root/project", ignore=skipped)
        # This machine's way to the package index.
        shutil.copy("/etc/resolv.conf", tree / "etc/resolv.conf")
        shutil.copy("/etc/ssl/certs/ca-certificates.crt", tree / "etc/ssl/certs/")
        given = [f'{key}="{value}"' for key, value in os.environ.items() if key.startswith(("PIP_", "SSL_"))]
        (tree / "root/environment").write_text("\n".join(["HOME=/root", *given, ""]))
        yield tree


def boot(tree: Path, script: str, *options: str) -> list[str]:
    """Boot, run the script as the last thing of the boot, power off; what it said."""
    (tree / "root/script").write_text(script)
    (tree / f"{CONF[1:]}/once.service").write_text(RUN_ONCE)
    (tree / f"{CONF[1:]}/once.timer").write_text("[Timer]\nOnActiveSec=0\n")
    wants = tree / f"{CONF[1:]}/timers.target.wants"
    wants.mkdir(exist_ok=True)
    (wants / "once.timer").unlink(missing_ok=True)
    (wants / "once.timer").symlink_to("../once.timer")
    # A SIGTERM ends the container with nspawn, a SIGKILL would leave it.
    command = f"timeout 900 systemd-nspawn -q -D {tree} --register=no --keep-unit -b {' '.join(options)}"
    subprocess.run(command.split(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False)
    return (tree / "root/said").read_text().splitlines()


def test_the_unit_under_a_booted_systemd(tree: Path) -> None:
    readme = (PROJECT / "systemd/README.md").read_text()
    steps = readme.split("```sh\n")[1].split("```")[0]
    installed = boot(tree, f"cd /root/project && set -e\numask 077\n{steps}")
    assert installed[-1] == "exit 0", "\n".join(installed)

    for name in ("sandbox.py", "confined.py"):
        shutil.copy(HERE / name, tree / "usr/local/lib" / name)
    said = boot(tree, (HERE / "inside.sh").read_text(), "--private-network")
    print("\n".join(said))
    assert said[-1] == "exit 0"
    assert [line for line in said if line.startswith("FAILED")] == []
