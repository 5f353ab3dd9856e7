"""The unit's `MemoryDenyWriteExecute=` is one that the daemon's libraries can live with."""

import subprocess
import sys
from pathlib import Path

import pytest

# prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN): the kernel's own form of what systemd's filter does.
PROGRAM = """
import ctypes, mmap, sys

libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(65, 1, 0, 0, 0) != 0:
    sys.exit(77)
try:
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
except PermissionError:
    pass
else:
    sys.exit("memory that is writable and executable was handed out")

import asyncssh, httpx, lmdb, msgspec, trio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

key = Ed25519PrivateKey.generate()
key.public_key().verify(key.sign(b"x"), b"x")
asyncssh.generate_private_key("ssh-ed25519").export_private_key()
environment = lmdb.open(sys.argv[1], map_size=1 << 30, max_dbs=4)
with environment.begin(write=True) as transaction:
    transaction.put(b"key", b"value")
environment.copy(sys.argv[2])
trio.run(trio.to_thread.run_sync, httpx.create_ssl_context)
print("lived")
"""


@pytest.mark.counterpart
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a protection of Linux")
def test_the_libraries_live_without_writable_and_executable_memory(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "copy").mkdir()
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, tmp_path / "state", tmp_path / "copy"],
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode == 77:
        pytest.skip("this kernel (before 6.3) cannot refuse such memory to a process")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "lived\n", "")
