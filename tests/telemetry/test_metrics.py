"""Metrics: what each method does to the exposition, and that nothing grows without bound."""

import shutil
import subprocess
from pathlib import Path

import pytest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

from dropstreamd.telemetry import CallResult, DocumentEvent, Metrics, RunResult
from dropstreamd.telemetry.series import LABEL_LENGTH, Histogram

JOB = ("acme-shopify", "sales_orders", "import")


def new(cap: int = 100) -> Metrics:
    return Metrics(now_s=lambda: 1_000.0, version="0.1.0", cap=cap)


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"dropstreamd_{name}", labels)


def job_value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return value(metrics, name, connection=JOB[0], channel=JOB[1], job=JOB[2], **labels)


def full() -> Metrics:
    """Every metric has at least one series."""
    metrics = new()
    metrics.set_connection_up(JOB[0], up=True)
    metrics.job_armed(*JOB, since_at_s=900.0, interval_s=900.0)
    metrics.set_next_fire(*JOB, 1_800.0)
    metrics.set_last_success(*JOB, 950.0)
    metrics.run_started(*JOB, 2.0)
    metrics.run_finished(*JOB, RunResult.OK, 12.0)
    for event in DocumentEvent:
        metrics.documents(*JOB[:2], event, 3)
    metrics.set_backlog(*JOB[:2], pending=1, parked=2, in_doubt=3, tasks=4)
    for result in CallResult:
        metrics.call_finished("vendure:shop", result)
    metrics.throttled("vendure:shop")
    metrics.set_circuit_open("vendure:shop", is_open=True)
    metrics.set_unmatched("sftp:wms", 2)
    metrics.set_undecodable("sftp:wms", 1)
    metrics.set_snapshot_held("sftp:wms", held=True)
    metrics.set_skus_kept("sftp:wms", 3)
    metrics.set_cannot_run(1)
    metrics.set_store_size(10, 100)
    metrics.set_store_full(full=False)
    metrics.set_writer_queue(1)
    metrics.commit_finished(0.004)
    metrics.loop_lag(0.001, 0.002)
    return metrics


def families(metrics: Metrics) -> list[Metric]:
    text = metrics.render().decode()
    return [f for f in text_string_to_metric_families(text) if f.name.startswith("dropstreamd_")]


def test_a_successful_run_counts_and_moves_the_last_success() -> None:
    metrics = new()
    metrics.run_started(*JOB, 2.0)
    assert value(metrics, "runs_running") == 1
    metrics.run_finished(*JOB, RunResult.OK, 12.0)
    assert value(metrics, "runs_running") == 0
    assert job_value(metrics, "runs_total", result="ok") == 1
    assert job_value(metrics, "job_last_success_timestamp_seconds") == 1_000
    assert job_value(metrics, "job_last_run_duration_seconds") == 12
    assert job_value(metrics, "job_lateness_seconds") == 2
    durations = {"channel": JOB[1], "job": JOB[2]}
    assert value(metrics, "run_duration_seconds_bucket", **durations, le="10.0") == 0
    assert value(metrics, "run_duration_seconds_bucket", **durations, le="30.0") == 1
    assert value(metrics, "run_duration_seconds_count", **durations) == 1
    assert value(metrics, "run_duration_seconds_sum", **durations) == 12


def test_a_run_on_a_buckets_bound_is_in_that_bucket() -> None:
    metrics = new()
    metrics.run_finished(*JOB, RunResult.OK, 10.0)
    assert value(metrics, "run_duration_seconds_bucket", channel=JOB[1], job=JOB[2], le="10.0") == 1


def test_a_job_is_held_until_it_succeeds_whatever_comes_between() -> None:
    metrics = new()
    held = []
    between = (RunResult.WAIT, RunResult.UNFINISHED, RunResult.CANCELLED)
    for result in (RunResult.CRASH, RunResult.HOLD, *between, RunResult.OK):
        metrics.run_finished(*JOB, result, 1.0)
        held.append(job_value(metrics, "job_held"))
    assert held == [None, 1, 1, 1, 1, 0]
    assert job_value(metrics, "job_last_success_timestamp_seconds") == 1_000


def test_arming_again_keeps_a_hold_and_disarming_forgets_what_was_expected() -> None:
    metrics = new()
    metrics.run_finished(*JOB, RunResult.HOLD, 1.0)
    metrics.job_armed(*JOB, since_at_s=900.0, interval_s=60.0)
    metrics.set_next_fire(*JOB, 1_060.0)
    assert job_value(metrics, "job_held") == 1
    metrics.job_disarmed(*JOB)
    for name in (
        "job_held",
        "job_armed_timestamp_seconds",
        "job_interval_seconds",
        "job_next_fire_timestamp_seconds",
    ):
        assert job_value(metrics, name) is None
    assert job_value(metrics, "runs_total", result="hold") == 1


def test_no_next_fire_is_no_series() -> None:
    metrics = new()
    metrics.set_next_fire(*JOB, 1_800.0)
    assert job_value(metrics, "job_next_fire_timestamp_seconds") == 1_800
    metrics.set_next_fire(*JOB, None)
    assert job_value(metrics, "job_next_fire_timestamp_seconds") is None


def test_removing_a_connection_removes_its_series_and_no_others() -> None:
    metrics = full()
    metrics.documents("acme-shopify-2", "sales_orders", DocumentEvent.STAGED, 1)
    metrics.remove_connection("acme-shopify")
    left = {sample.labels.get("connection") for family in families(metrics) for sample in family.samples}
    assert left == {None, "acme-shopify-2"}
    assert value(metrics, "throttles_total", account="vendure:shop") == 1
    assert value(metrics, "run_duration_seconds_count", channel=JOB[1], job=JOB[2]) == 1


def test_a_connection_is_up_or_down_only_while_it_is_on() -> None:
    metrics = new()
    seen = []
    for up in (True, False, None):
        metrics.set_connection_up("c", up=up)
        seen.append(value(metrics, "connection_up", connection="c"))
    assert seen == [1, 0, None]


def test_removing_an_account_removes_its_series() -> None:
    metrics = full()
    metrics.remove_account("vendure:shop")
    left = {sample.labels.get("account") for family in families(metrics) for sample in family.samples}
    assert left == {None, "sftp:wms"}


def test_past_the_cap_counters_fold_into_other_and_gauges_are_left_out() -> None:
    metrics = new(cap=2)
    for number in range(4):
        metrics.documents(f"c{number}", "inventory", DocumentEvent.PUSHED, 10)
        metrics.set_connection_up(f"c{number}", up=True)
        metrics.run_finished("c", "inventory", f"j{number}", RunResult.OK, 1.0)
    metrics.documents("c0", "inventory", DocumentEvent.PUSHED, 1)
    assert value(metrics, "documents_total", connection="c0", channel="inventory", event="pushed") == 11
    assert value(metrics, "documents_total", connection="other", channel="other", event="other") == 20
    assert value(metrics, "run_duration_seconds_count", channel="other", job="other") == 2
    assert value(metrics, "connection_up", connection="c2") is None
    assert value(metrics, "connection_up", connection="other") is None
    assert value(metrics, "metric_overflow_total", metric="dropstreamd_connection_up") == 2
    assert value(metrics, "metric_overflow_total", metric="dropstreamd_documents_total") == 2


def test_removal_makes_room_again() -> None:
    metrics = new(cap=1)
    metrics.set_connection_up("old", up=True)
    metrics.remove_connection("old")
    metrics.set_connection_up("new", up=False)
    assert value(metrics, "connection_up", connection="new") == 0


def test_long_label_values_are_cut_and_still_removed() -> None:
    metrics = new()
    metrics.throttled("a" * 200)
    assert value(metrics, "throttles_total", account="a" * LABEL_LENGTH) == 1
    metrics.remove_account("a" * 200)
    assert value(metrics, "throttles_total", account="a" * LABEL_LENGTH) is None


def test_hostile_label_values_are_escaped() -> None:
    metrics = new()
    hostile = 'a"\n} 1\\'
    metrics.throttled(hostile)
    [family] = [f for f in families(metrics) if f.name == "dropstreamd_throttles"]
    assert family.samples[0].labels == {"account": hostile}


def test_labels_are_only_the_known_ones_and_histograms_have_no_connection() -> None:
    known = {"connection", "channel", "job", "result", "event", "account", "version", "python", "metric"}
    for family in full().families:
        assert set(family.labels) <= known, family.name
        assert not (isinstance(family, Histogram) and "connection" in family.labels)


def test_two_daemons_in_one_process_share_nothing() -> None:
    one, other = new(), new()
    one.throttled("a")
    assert value(other, "throttles_total", account="a") is None


@pytest.mark.counterpart
@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (Debian package prometheus) is absent")
def test_promtool_finds_no_fault_with_the_exposition() -> None:
    own = "\n".join(line for line in full().render().decode().splitlines() if "dropstreamd_" in line)
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=own + "\n", capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_the_readme_lists_every_metric_with_its_labels_and_meaning() -> None:
    metrics = new()
    readme = (Path(__file__).parents[2] / "dropstreamd" / "telemetry" / "README.md").read_text()
    for family in metrics.families:
        name = family.name.removeprefix("dropstreamd_")
        assert f"| `{name}` | {', '.join(family.labels)} | {family.help_text} |" in readme


def test_every_metric_is_told_by_somebody() -> None:
    """One that nobody tells has no series, and an alert on it never fires."""
    package = Path(__file__).parents[2] / "dropstreamd"
    code = "".join(
        file.read_text() for file in package.rglob("*.py") if file != package / "telemetry" / "metrics.py"
    )
    tells = [name for name in vars(Metrics) if not name.startswith("_")]
    assert len(tells) > 20
    assert [name for name in tells if f".{name}" not in code] == []
