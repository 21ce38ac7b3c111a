"""The same file, the same posts, the same notices: Debian's alertmanager and Keepwell with what the import made of that file.

Real intervals, and posts half an interval away from the moments at which groups are looked at, so that a busy machine changes nothing.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.alertmanager_clients import Api, alertmanager, api_of
from tests.serving import keepwell, serving
from tests.support import wait_until
from tests.webhook_listener import Call, Listener, listening

FILE = """\
route:
  receiver: root
  group_by: [case]
  group_wait: 3s
  group_interval: 6s
  repeat_interval: 1h
  routes:
  - {{matchers: [case="repeat"], repeat_interval: 8s}}
  - {{matchers: [case="both"], receiver: one, continue: true}}
  - {{match: {{case: both}}, receiver: two}}
  - {{matchers: [case="quiet"], receiver: quiet}}
  - {{matchers: [case="muted"], receiver: one, mute_time_intervals: [always]}}
  - {{matchers: [case="active"], active_time_intervals: [always]}}
  - {{matchers: [case="inactive"], active_time_intervals: [past]}}
  - {{matchers: [case="each"], group_by: ['...']}}
  - matchers: [case="deep"]
    receiver: one
    routes:
    - {{match_re: {{zone: 'x|y'}}, receiver: two, group_by: [zone, alertname]}}
inhibit_rules:
- {{source_matchers: [severity="critical"], target_matchers: [severity="warning"], equal: [case, zone]}}
time_intervals:
- {{name: always, time_intervals: [{{years: ['2000:2999']}}]}}
- {{name: past, time_intervals: [{{years: ['2001']}}]}}
receivers:
- {{name: root, webhook_configs: [{{url: '{address}/root'}}]}}
- {{name: one, webhook_configs: [{{url: '{address}/one'}}]}}
- {{name: two, webhook_configs: [{{url: '{address}/two'}}]}}
- {{name: quiet, webhook_configs: [{{url: '{address}/quiet', send_resolved: false}}]}}
"""
END = 22.0
"""Seconds: a moment after the third interval."""

Step = tuple[float, Callable[[Api], None]]


class Script:
    """What is posted when. Every alert says when it began, so that both say the same of it."""

    def __init__(self) -> None:
        self.began = datetime.now(UTC).replace(microsecond=0)
        self.steps: list[Step] = []

    def _instant(self, seconds: float) -> str:
        return (self.began + timedelta(seconds=seconds)).isoformat()

    def fire(self, at: float, case: str, name: str, **labels: str) -> None:
        alert = self._alert(case, name, labels) | {"startsAt": self._instant(at)}
        self.steps.append((at, lambda api: api.post_alerts(alert)))

    def end(self, at: float, case: str, name: str, began: float = 0, **labels: str) -> None:
        alert = self._alert(case, name, labels) | {"startsAt": self._instant(began), "endsAt": self._instant(at)}
        self.steps.append((at, lambda api: api.post_alerts(alert)))

    @staticmethod
    def _alert(case: str, name: str, labels: dict[str, str]) -> dict[str, Any]:
        annotations = {"summary": f"{name} of {case}", "shared": "yes"}
        return {"labels": {"alertname": name, "case": case, **labels}, "annotations": annotations, "generatorURL": "http://rules.example/g"}

    def silence(self, at: float, case: str, until: float) -> None:
        silence = {
            "matchers": [{"name": "case", "value": case, "isRegex": False, "isEqual": True}],
            "startsAt": self._instant(at - 1),
            "endsAt": self._instant(until),
            "createdBy": "test",
            "comment": "work",
        }
        self.steps.append((at, lambda api: _created(api, silence)))

    def play(self, *apis: Api) -> None:
        """Posts to all of them at once, when it is time."""
        start = time.monotonic()
        with ThreadPoolExecutor(len(apis)) as pool:
            for at, step in sorted(self.steps, key=lambda one: one[0]):
                time.sleep(max(0.0, start + at - time.monotonic()))
                list(pool.map(step, apis))
            time.sleep(max(0.0, start + END - time.monotonic()))


def _created(api: Api, silence: dict[str, Any]) -> None:
    assert api.ask("POST", "/silences", silence).status == 200


def script() -> Script:
    made = Script()
    for case in ("ended", "early", "again", "both", "quiet", "muted", "active", "inactive", "repeat"):
        made.fire(0, case, "a")
    made.end(1, "early", "a")
    for case in ("ended", "again", "both", "quiet"):
        made.end(6, case, "a")
    made.fire(6, "both", "b")
    made.fire(12, "again", "a")
    made.fire(0, "late", "a", job="z")
    made.fire(6, "late", "b", job="y", instance="2")
    made.fire(12, "late", "b", job="y", instance="1")
    made.fire(0, "flap", "a")
    made.end(5, "flap", "a")
    made.fire(7, "flap", "a")
    made.fire(0, "each", "a", instance="1")
    made.fire(0, "each", "a", instance="2")
    made.fire(0, "deep", "a", zone="x")
    made.fire(0, "deep", "b", zone="y")
    made.fire(0, "deep", "c", zone="z")
    made.silence(0, "silenced", until=12)
    made.fire(0, "silenced", "a")
    made.fire(0, "inhibited", "down", severity="critical", zone="x")
    made.fire(0, "inhibited", "slow", severity="warning", zone="x")
    made.fire(0, "inhibited", "slow", severity="warning", zone="y")
    made.end(12, "inhibited", "down", severity="critical", zone="x")
    made.fire(0, "hidden", "a")
    made.silence(5, "hidden", until=13)
    made.end(6, "hidden", "a")
    return made


def message(call: Call) -> dict[str, Any]:
    """What one notice says; instants to the second, without what must differ. (In keys of groups Alertmanager 0.25 writes what match_re
    means with anchors, and what matchers mean without.)"""
    said = {key: value for key, value in call.told.items() if key != "externalURL"}
    said["groupKey"] = said["groupKey"].replace("^(?:", "").replace(")$", "")
    said["alerts"] = [_alert(alert) for alert in said["alerts"]]
    return {"path": call.path, **said}


def _alert(alert: dict[str, Any]) -> dict[str, Any]:
    instants = {key: datetime.fromisoformat(alert[key]).replace(microsecond=0) for key in ("startsAt", "endsAt")}
    return {**alert, **instants}


def by_group(calls: Sequence[Call]) -> dict[str, list[dict[str, Any]]]:
    """The notices of each group, in order."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for one in map(message, calls):
        groups.setdefault(f"{one['path']} {one['groupKey']}", []).append(one)
    return groups


def differences(theirs: Any, ours: Any, path: str = "") -> list[str]:
    """Where what they say is not what we say. We may say more."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        return [line for key, value in theirs.items() for line in differences(value, ours.get(key), f"{path}.{key}")]
    if isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        return [line for at, (one, other) in enumerate(zip(theirs, ours, strict=True)) for line in differences(one, other, f"{path}[{at}]")]
    return [] if theirs == ours else [f"{path}: {theirs} and {ours}"]


def told(notices: Sequence[dict[str, Any]]) -> list[list[str]]:
    """What they tell of, briefly."""
    return [[f"{alert['status']} {alert['labels']['alertname']}" for alert in one["alerts"]] for one in notices]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """What alertmanager told, and what Keepwell told."""
    folder = tmp_path_factory.mktemp("beside")
    with listening() as theirs, listening() as ours:
        written = folder / "theirs.yml"
        written.write_text(FILE.format(address=_base(ours)))
        made = keepwell("import-alertmanager", str(written), "-o", str(folder / "ops"), "--service", "beside")
        assert made.returncode == 0, made.stdout + made.stderr
        with (
            alertmanager(folder, FILE.format(address=_base(theirs))) as peer,
            serving(folder / "ops", folder / "data") as server,
        ):
            script().play(peer, api_of(server))
            wait_until(lambda: len(ours.calls) > len(theirs.calls), 20, "the notice that alertmanager does not send")
            yield by_group(theirs.calls), by_group(ours.calls)


def _base(listener: Listener) -> str:
    return listener.url.removesuffix("/hook")


HIDDEN = '/root {}:{case="hidden"}'
"""The one difference that is meant: alertmanager never tells the end of what was told of and ended in a silence."""


def test_both_tell_the_same_groups(played: tuple[dict[str, Any], dict[str, Any]]) -> None:
    theirs, ours = played
    assert len(theirs) == 17
    assert sorted(theirs) == sorted(ours)


def test_both_tell_the_same_of_each(played: tuple[dict[str, Any], dict[str, Any]]) -> None:
    theirs, ours = played
    for group, notices in theirs.items():
        if group != HIDDEN:
            assert told(ours[group]) == told(notices), group
            assert differences(notices, ours[group]) == [], group


def test_the_end_in_a_silence_is_told_by_us_only(played: tuple[dict[str, Any], dict[str, Any]]) -> None:
    theirs, ours = played
    assert told(theirs[HIDDEN]) == [["firing a"]]
    assert told(ours[HIDDEN]) == [["firing a"], ["resolved a"]]
