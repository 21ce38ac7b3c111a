"""A row with a warning and a critical limit becomes one rule with both."""

import pytest

from keepwell.rooms.manual.importing.model import LimitDraft
from keepwell.rooms.manual.importing.two_limits import joined


def rule(when: str, severity: str) -> dict[str, object]:
    return {"alert": "ErrorRate", "when": when, "severity": severity}


def draft(words: str, severity: str) -> LimitDraft:
    return LimitDraft("error rate", severity=severity, words=words)


@pytest.mark.parametrize(
    ("when", "severity", "words", "other", "expected"),
    [
        ("error rate > 1%", "warning", "error rate > 5%", "critical", {"kpi": "error rate", "warning": "> 1%", "critical": "> 5%"}),
        ("uptime < 99%", "critical", "uptime < 99.5%", "warning", {"kpi": "uptime", "warning": "< 99.5%", "critical": "< 99%"}),
        (
            "connections > 80% of max for 5m",
            "warning",
            "connections > 95% of max for 5m",
            "critical",
            {"kpi": "connections of max", "warning": "> 80%", "critical": "> 95%", "for": "5m"},
        ),
    ],
)
def test_both_limits_stand_in_one_rule(when: str, severity: str, words: str, other: str, expected: dict[str, object]) -> None:
    assert joined(rule(when, severity), draft(words, other)) == {"alert": "ErrorRate", **expected}


@pytest.mark.parametrize(
    ("words", "severity"),
    [
        ("error rate > 5%", "warning"),
        ("error rate > 0.5%", "critical"),
        ("error rate < 5%", "critical"),
        ("error share > 5%", "critical"),
        ("error rate > 5% for 5m", "critical"),
        ("error rate > 5%", "info"),
        ("errors", "critical"),
    ],
)
def test_what_does_not_belong_together_stays_apart(words: str, severity: str) -> None:
    assert joined(rule("error rate > 1%", "warning"), draft(words, severity)) is None
