"""The benchmark's SFTP server, in a process of its own: prints its address and host key, then serves."""

import sys
from pathlib import Path

import trio

from dropstreamd.platform.secrets import Secret
from dropstreamd.sandbox.sftp_server import serve_sftp


async def main() -> None:
    async with serve_sftp(Path(sys.argv[1]), user="bench", password=Secret("bench")) as account:
        sys.stdout.write(f"{account.url} {account.host_key}\n")
        sys.stdout.flush()
        await trio.sleep_forever()


if __name__ == "__main__":
    trio.run(main)
