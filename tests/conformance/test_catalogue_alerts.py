"""Every condition of the catalogue of operations is a rule that fires: ``alert_rows.yaml`` says which, over which samples, and what shows
those rows that are no condition.

The catalogue lies beside a checkout (see tests/support.py); that each rule fires over its samples is tested without it.
"""

import csv
import json
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from keepwell.composition import verbs
from keepwell.composition.ruling import rules_of
from keepwell.config.operations import load
from keepwell.rooms.alerts.rules.checks import Looked
from keepwell.rooms.alerts.rules.model import RuleSet
from tests.alerts_desk import rig_on
from tests.alerts_evaluated import Evaluated, rules_in
from tests.support import outside

WRITTEN: Mapping[str, Any] = yaml.safe_load(Path(__file__).with_name("alert_rows.yaml").read_text())
RULES: Mapping[str, Any] = WRITTEN["rules"]
OTHERWISE: Mapping[str, Mapping[str, str]] = WRITTEN["otherwise"]
CHECKS = 'checks: {health: {http: {url: "http://127.0.0.1:1/health"}}}\n'


def rules(folder: Path, entry: Mapping[str, Any]) -> RuleSet:
    return rules_in(folder, f"{CHECKS}figures: {json.dumps(WRITTEN['figures'])}\nrules: [{json.dumps(entry['rule'])}]\n")


def expected(entry: Mapping[str, Any], state: str) -> list[str]:
    return sorted(f"{name} {severity} {state}" for severity, name in entry["fires"].items())


@pytest.mark.parametrize("name", [name for name, entry in RULES.items() if "series" in entry])
async def test_a_figure_that_is_crossed_fires_and_ends(tmp_path: Path, name: str) -> None:
    entry = RULES[name]
    read = rules(tmp_path / "ops", entry)
    well, ill = ({series: values[which] for series, values in entry["series"].items()} for which in (0, 1))
    async with rig_on(tmp_path / "keepwell.db") as rig:
        line = Evaluated(rig, read)
        await line.run(1200, well)
        assert line.active() == []
        hold = read.measured[0].timing.hold
        if hold:
            await line.run(60, ill)
            assert line.active() in ([], expected(entry, "pending"))
        await line.run(360 + hold.total_seconds(), ill)
        assert line.active() == expected(entry, "firing")
        assert len(await rig.notices()) >= 1
        await line.run(1200, well)
        assert line.active() == []
        assert {alert.state.value for alert in await rig.rows()} == {"resolved"}


@pytest.mark.parametrize("name", [name for name, entry in RULES.items() if "state" in entry])
async def test_a_state_of_a_check_fires_and_ends(tmp_path: Path, name: str) -> None:
    entry = RULES[name]
    read = rules(tmp_path / "ops", entry)
    (rule,) = [rule for rule in read.checks if rule.check == "health"]
    async with rig_on(tmp_path / "keepwell.db") as rig:
        line = Evaluated(rig, read)
        started = rig.clock.now()

        async def sees(number: int, state: str) -> None:
            look = Looked("health", "", number, rig.clock.now(), state, rig.clock.now(), f"seen {state}")
            assert line.checks.concerns([look])
            line.checks.keep(await rig.desk.change(lambda turn: line.checks.judge([look], turn)))

        await sees(1, entry["state"])
        if rule.timing.hold:
            assert line.active() == expected(entry, "pending")
            assert line.checks.next_due() == started + rule.timing.hold
            await rig.after(rule.timing.hold / timedelta(seconds=1))
            line.checks.keep(await rig.desk.change(lambda turn: line.checks.judge_due(turn, are_new=False)))
        assert line.active() == expected(entry, "firing")
        assert len(await rig.notices()) == 1
        await sees(2, "ok")
        assert line.active() == []


def test_limits_are_adapted(tmp_path: Path) -> None:
    """Rows that ask for limits to be changed; that they are obeyed at once, tests/services/test_alerts_thresholds.py shows."""
    read = rules(tmp_path, RULES["queue"])
    adapted = {("rules", "QueueDepth"): {"threshold": 20.0}}
    (before,), (after,) = read.measured, rules_of(load(tmp_path, verbs.sections(), {}), adapted).measured
    assert [(str(rule.limit), rule.is_overridden) for rule in (before, after)] == [(">= 10", False), (">= 20", True)]


def test_definitions_are_read(tmp_path: Path) -> None:
    everything = [entry["rule"] for entry in RULES.values()]
    read = rules_in(tmp_path, f"{CHECKS}figures: {json.dumps(WRITTEN['figures'])}\nrules: {json.dumps(everything)}\n")
    assert len(read.measured) == sum(len(entry["fires"]) for entry in RULES.values() if "series" in entry)
    assert not [rule.waits_for for rule in read.measured if rule.waits_for]


@pytest.mark.parametrize("name", [name for name, entry in RULES.items() if isinstance(entry.get("gives"), dict)])
def test_the_kind_of_check_that_gives_the_samples_has_that_value(name: str) -> None:
    gives = RULES[name]["gives"]
    assert gives["value"] in verbs.check_kinds().load(gives["kind"]).values
    assert all(series.startswith(gives["value"]) for series in RULES[name]["series"])


def test_each_row_is_named_once() -> None:
    rows = Counter([*(row for entry in RULES.values() for row in entry["rows"]), *OTHERWISE])
    assert [row for row, times in rows.items() if times > 1] == []
    assert {f"test_{one['test']}" for one in OTHERWISE.values()} <= globals().keys()


def test_every_condition_of_the_catalogue_is_expressed() -> None:
    with outside("procedures.csv").open(newline="") as file:
        wanted = {row["id"] for row in csv.DictReader(file) if row["capability"] == "rule"}
    expressed = {*(row for entry in RULES.values() for row in entry["rows"]), *OTHERWISE}
    assert len(wanted) == 45
    assert sorted(wanted ^ expressed) == []
