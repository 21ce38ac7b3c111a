"""What import makes of a table of key figures for reports, and of scripts whose work a part of Keepwell does."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from keepwell.composition import verbs
from keepwell.rooms.manual.importing.decide import import_manual
from keepwell.rooms.manual.importing.model import Disposition
from keepwell.rooms.manual.importing.provided import work_of

MANUAL = """\
# Shop

```bash
curl -f http://localhost:3001/health
pgrep -f shop-server
```

## Key figures
| Metric | Target | Warning | Critical |
|---|---|---|---|
| Response Time | <50ms | >100ms | >500ms |
| Memory Usage | <200MB | >200MB | >300MB |
| Uptime | 99.9% | <99.5% | <99% |
| Error Rate | <0.1% | >1% | >5% |
| Orders | <5 | >20 | >100 |

## Cron
```bash
0 0 * * * /opt/shop/scripts/rotate-logs.sh
0 9 * * 1 /opt/shop/scripts/weekly-report.sh
0 9 * * 2 /opt/shop/scripts/frobnicate.sh
```

## Logs
```
/var/log/shop/*.log {
    daily
    rotate 7
}
```
"""


def imported(text: str = MANUAL) -> tuple[Any, dict[int, Any]]:
    found = import_manual(text.encode(), "shop.md")
    return yaml.safe_load(found.files["keepwell.yaml"]), {outcome.item.line: outcome for outcome in found.outcomes}


def test_key_figures_say_what_measures_them_here() -> None:
    configuration, outcomes = imported()
    assert configuration["kpis"] == {
        "response-time": {"metric": 'duration_seconds{check="health"}', "target": "< 50ms", "warning": "> 100ms", "critical": "> 500ms"},
        "memory-usage": {
            "metric": 'memory_bytes{check="process-shop-server"}',
            "target": "< 200MB",
            "warning": "> 200MB",
            "critical": "> 300MB",
        },
        "uptime": {"uptime": "health", "target": ">= 99.9%", "warning": "< 99.5%", "critical": "< 99%"},
        "error-rate": {
            "title": "error rate (of looks at health)",
            "errors": "health",
            "target": "< 0.1%",
            "warning": "> 1%",
            "critical": "> 5%",
        },
    }
    assert "kpis.response-time" in outcomes[11].place


def test_without_a_check_nothing_is_said_to_be_measured() -> None:
    configuration, _ = imported(MANUAL.replace("curl -f http://localhost:3001/health", "true").replace("pgrep -f shop-server", "true"))
    assert "kpis" not in configuration


def test_a_scripts_work_that_keepwell_does_is_a_task() -> None:
    configuration, outcomes = imported()
    assert configuration["tasks"]["rotate-logs"]["rotate"] == next(iter(configuration["logs"]))
    assert configuration["tasks"]["weekly-report"] == {"report": "weekly", "every": "0 9 * * 1"}
    assert configuration["tasks"]["frobnicate"]["waits_for"] == "frobnicate.sh"
    assert outcomes[19].found.disposition is Disposition.CORRECTED
    assert "takes its place" in outcomes[19].found.reason
    assert outcomes[21].found.disposition is Disposition.MISSING


@pytest.mark.parametrize(
    ("script", "work"),
    [
        ("/opt/rotate-logs.sh", {"rotate": "shop"}),
        ("log_rotate.sh", {"rotate": "shop"}),
        ("rotate-keys.sh", {}),
        ("weekly-report.sh", {"report": "weekly"}),
        ("weekly-performance-report.py", {"report": "weekly"}),
        ("capacity-review.sh", {"report": "capacity"}),
        ("performance-analysis.py", {"report": "capacity"}),
        ("cost-report.sh", {}),
    ],
)
def test_names_say_what_they_are_for(script: str, work: dict[str, str]) -> None:
    assert work_of(script, {"logs": {"shop": ({"rotate": {"every": "day"}}, {}), "other": ({}, {})}}) == work


def test_of_several_log_policies_none_is_guessed() -> None:
    assert work_of("rotate-logs.sh", {"logs": {"a": ({"rotate": {}}, {}), "b": ({"rotate": {}}, {})}}) == {}


def test_figures_of_rules_and_objectives_are_measured_by_the_health_check() -> None:
    configuration, _ = imported()
    up = 'check_up{check="health"}[1d]'
    assert configuration["figures"] == {
        "uptime": f"1 - (count_over_time({up}) - sum_over_time({up})) * 30 / 86400",
        "error rate": '1 - avg_over_time(check_up{check="health"}[1h])',
    }
    assert configuration["objectives"]["service"] == {"availability": "99.9%", "check": "health"}


def test_what_import_writes_is_valid(tmp_path: Path) -> None:
    """Sections and PromQL are read as ``keepwell up`` reads them."""
    for path, text in import_manual(MANUAL.encode(), "shop.md", sound=verbs.check_problem).files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    assert [warning.message for warning in verbs.validate(str(tmp_path)) if "Orders" not in warning.message] == []
