"""What metrics make of the end of a run."""

from typing import get_args

import pytest

from dropstreamd.store.runs import Result, RunRecord
from dropstreamd.supervisor.report import Report
from dropstreamd.telemetry import Metrics

JOB = ("sales_orders", "import")
ENDS = sorted(set(get_args(Result)) - {"waiting", "running", "merged"})


@pytest.mark.parametrize("result", ENDS)
def test_only_a_run_that_is_done_is_a_success(result: Result) -> None:
    """The alert on a silent stop goes by the last one."""
    metrics = Metrics(now_s=lambda: 1_000.0, version="0")
    channel, job = JOB
    record = RunRecord(
        id="r1", job=job, trigger="schedule", started_s=990.0, ended_s=1_000.0, result=result, error="why"
    )
    Report(metrics, {"c-1": "shop"}, ()).run_ended("c-1", channel, record)
    labels = {"connection": "shop", "channel": channel, "job": job}
    last = metrics.registry.get_sample_value("dropstreamd_job_last_success_timestamp_seconds", labels)
    assert last == (1_000 if result == "done" else None)
    told = "unfinished" if result == "unfinished" else "ok"
    counted = metrics.registry.get_sample_value("dropstreamd_runs_total", {**labels, "result": told})
    assert counted == (1 if result in ("done", "unfinished") else None)
