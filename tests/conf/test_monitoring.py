"""The alert rules and the dashboard: valid, and about metrics that exist."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from dropstreamd.telemetry import Metrics

CONF = Path(__file__).parents[2] / "conf"
RULES = CONF / "prometheus-rules.yml"
RULES_TEST = Path(__file__).parent / "prometheus-rules.test.yml"
DASHBOARD = CONF / "grafana-dashboard.json"

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool (Debian package prometheus) is absent"
)


def series_names() -> set[str]:
    """The names of all series that the daemon can show."""
    names: set[str] = set()
    exposition = Metrics(now_s=lambda: 0.0, version="0").render().decode()
    for name, kind in re.findall(r"(?m)^# TYPE (dropstreamd_\w+) (\w+)$", exposition):
        names |= (
            {f"{name}{suffix}" for suffix in ("_bucket", "_sum", "_count")} if kind == "histogram" else {name}
        )
    return names


def dashboard_expressions() -> list[str]:
    panels: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel["targets"]]


def promtool(*arguments: str | Path) -> None:
    ran = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("file", [RULES, RULES_TEST, DASHBOARD], ids=lambda file: file.name)
def test_every_metric_that_is_asked_for_exists(file: Path) -> None:
    asked = set(re.findall(r"\bdropstreamd_\w+", file.read_text()))
    assert asked
    assert asked <= series_names()


def test_every_alert_is_tested_and_says_what_to_do() -> None:
    text = RULES.read_text()
    alerts = re.findall(r"- alert: (\w+)", text)
    assert len(set(alerts)) == len(alerts)
    assert {alert for alert in alerts if alert not in RULES_TEST.read_text()} == set()
    for part in ("expr:", "severity:", "summary:", "action:"):
        assert text.count(part) == len(alerts), part


def test_the_dashboards_panels_have_names_and_do_not_overlap() -> None:
    panels: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len({panel["title"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for place in (panel["gridPos"] for panel in panels):
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells


@pytest.mark.counterpart
@needs_promtool
def test_promtool_accepts_the_rules() -> None:
    promtool("check", "rules", RULES)


@pytest.mark.counterpart
@needs_promtool
def test_alerts_fire_when_they_should(tmp_path: Path) -> None:
    for file in (RULES, RULES_TEST):
        shutil.copy(file, tmp_path)
    promtool("test", "rules", tmp_path / RULES_TEST.name)


@pytest.mark.counterpart
@needs_promtool
def test_promtool_accepts_the_dashboards_expressions(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{n}", "expr": expr.replace("$__rate_interval", "5m").replace("$connection", ".*")}
        for n, expr in enumerate(dashboard_expressions())
    ]
    written = tmp_path / "rules.yml"
    written.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    promtool("check", "rules", written)
