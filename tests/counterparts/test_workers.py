"""Tests that share a slow server go to one worker: with some versions of pytest that is silently ignored."""

import subprocess
import sys
from pathlib import Path

CONFTEST = """
import pytest
from tests.counterparts.workers import share_servers

@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    share_servers(items)

@pytest.fixture
def vendure():
    pass
"""
TESTS = """
import os, pathlib, pytest

@pytest.mark.parametrize("number", range(8))
def test_one(vendure, number):
    pathlib.Path("at").joinpath(os.environ["PYTEST_XDIST_WORKER"]).touch()
"""


def test_tests_of_one_server_run_in_one_worker(tmp_path: Path) -> None:
    (tmp_path / "at").mkdir()
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_some.py").write_text(TESTS)
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist=loadgroup", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(root), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert len(list((tmp_path / "at").iterdir())) == 1
