"""The least that any Smart Sync in Python must do: read the CSV, look every SKU up, store what changed.

No network, no schedule, no ledger. `python -m tests.bench.floor CSV STATE` prints CPU seconds.
"""

import csv
import sys
import time
from pathlib import Path

import lmdb


def floor(snapshot: Path, state: Path) -> float:
    """CPU seconds of the floor, over a state that holds the figures of the snapshot before."""
    with lmdb.open(str(state), map_size=1 << 30) as env:
        started_s = time.process_time()
        with snapshot.open(newline="") as file:
            rows = [(sku.encode(), quantity.encode()) for sku, quantity in csv.reader(file, strict=True)]
        with env.begin() as reader:
            known = dict(reader.cursor().getmulti([sku for sku, _ in rows]))
        changed = [(sku, quantity) for sku, quantity in rows if known.get(sku) != quantity]
        with env.begin(write=True) as writer:
            writer.cursor().putmulti(changed)
        return time.process_time() - started_s


def prepare(snapshot: Path, state: Path) -> None:
    """Put the figures of a snapshot into a fresh state."""
    with lmdb.open(str(state), map_size=1 << 30) as env, env.begin(write=True) as writer:
        with snapshot.open(newline="") as file:
            rows = sorted((sku.encode(), quantity.encode()) for sku, quantity in csv.reader(file))
        writer.cursor().putmulti(rows)


if __name__ == "__main__":
    sys.stdout.write(f"{floor(Path(sys.argv[1]), Path(sys.argv[2])):.6f}\n")
