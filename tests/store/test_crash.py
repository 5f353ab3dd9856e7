"""kill -9 between any two instructions: what was answered is there, and no write is there in half."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from dropstreamd.store.base import Reader
from dropstreamd.store.lmdb_store import open_store
from dropstreamd.store.tables import Table

KILLS = 10

Rows = set[int]


def _kill_a_writer(folder: Path, start: int, answers: int) -> Rows:
    """Let a process write from number `start`; kill it after so many answers; all the answers it gave."""
    program = Path(__file__).with_name("crash_writer.py")
    root = str(program.parents[2])
    with subprocess.Popen(
        [sys.executable, str(program), str(folder), str(start)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": root},
    ) as process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(answers)]
        process.kill()
        told += process.stdout.readlines()
    return {int(line) for line in told if line.endswith(b"\n")}


def _look(reader: Reader) -> tuple[Rows, Rows, int]:
    documents = {int(key[1]) for key, _ in reader.scan(Table.DOCUMENTS)}
    pending = {int(key[1]) for key, _ in reader.scan(Table.PENDING)}
    return documents, pending, int(reader.get(Table.CURSORS, ("c", "counter")) or b"0")


@pytest.mark.parametrize("seed", [20_261_121])
def test_no_answered_write_is_lost_and_none_is_kept_in_half(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    answered: Rows = set()
    start = 0
    for _ in range(KILLS):
        answered |= _kill_a_writer(tmp_path, start, chance.randint(1, 150))
        with open_store(tmp_path) as store:
            documents, pending, counter = store.read(_look)
        assert answered <= documents
        assert documents == pending
        assert counter == len(documents)
        assert not any(number % 7 == 0 for number in documents)
        start = (max(documents) // 5 + 1) * 5
    assert len(answered) > KILLS
