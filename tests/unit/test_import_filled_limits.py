"""What waits for a value becomes whole once ``keepwell fill`` was told it."""

import pytest

from keepwell.rooms.manual.importing.limit_drafts import limit_draft
from keepwell.rooms.manual.importing.limits_in_words import Limit
from keepwell.rooms.manual.importing.model import Disposition, EntryDraft, Fate, Found, LimitDraft
from keepwell.rooms.manual.importing.outcomes import Recognisers
from keepwell.rooms.manual.importing.registry import all_recognisers
from keepwell.rooms.manual.importing.views import views
from keepwell.rooms.manual.reading.document import read_manual

FIGURES = "# Shop\n\n## Key metrics to watch\n\n- Orders per minute\n"
WINDOW = "# Shop\n\n## Maintenance windows\n\n- Main: Sunday 02:00-04:00\n"


def last_of(text: str, values: dict[str, str]) -> Found:
    recognisers = Recognisers(all_recognisers())
    return [recognisers.find(view) for view in views(read_manual(text.encode(), "x"), values)][-1]


def test_a_figure_without_a_limit_asks_for_it() -> None:
    found = last_of(FIGURES, {})
    (missing,) = found.missing
    assert (found.fate, found.disposition, missing.name, found.drafts) == (Fate.RULE, Disposition.MISSING, "LIMIT_ORDERS_PER_MINUTE", ())
    assert "orders per minute" in missing.asks


def test_a_limit_that_was_filled_in_makes_the_rule() -> None:
    found = last_of(FIGURES, {"LIMIT_ORDERS_PER_MINUTE": "> 900"})
    assert found.disposition is Disposition.CARRIED
    assert found.drafts == (LimitDraft("orders per minute", warn="> 900", severity="warning", words="orders per minute > 900"),)


@pytest.mark.parametrize("value", ["a lot", "", "900", "> 900; rm -rf /"])
def test_what_is_no_limit_is_still_asked_for(value: str) -> None:
    assert last_of(FIGURES, {"LIMIT_ORDERS_PER_MINUTE": value}).disposition is Disposition.MISSING


def test_a_window_needs_its_zone() -> None:
    assert last_of(WINDOW, {}).disposition is Disposition.MISSING
    assert last_of(WINDOW, {"WINDOW_ZONE": "Middle/Earth"}).disposition is Disposition.MISSING
    found = last_of(WINDOW, {"WINDOW_ZONE": "Europe/Berlin"})
    assert found.drafts == (EntryDraft("windows", "main", {"on": "Sunday 02:00-04:00", "zone": "Europe/Berlin"}),)


@pytest.mark.parametrize(
    ("about", "comparison", "metric"),
    [
        ("cpu usage", "> 80%", "cpu"),
        ("cpu usage", "< 5%", "low cpu usage"),
        ("cpu usage", "> 80", "cpu usage limit"),
        ("memory", "> 200MB", "memory"),
        ("memory", "> 5s", "memory limit"),
        ("response time", "> 2s", "response time"),
        ("response time", "> 2%", "response time limit"),
        ("queue depth", "< 1", "queue depth"),
    ],
)
def test_only_limits_that_a_check_can_bear_keep_the_name_of_its_figure(about: str, comparison: str, metric: str) -> None:
    assert limit_draft(Limit(about, comparison), "warning").metric == metric


def test_severities_say_whether_it_warns_or_fails() -> None:
    limit = Limit("cpu", "> 80%", "5m")
    assert (limit_draft(limit, "critical").fail, limit_draft(limit, "critical").warn) == ("> 80%", "")
    assert (limit_draft(limit, "").fail, limit_draft(limit, "").warn) == ("", "> 80%")
    informs = limit_draft(limit, "info")
    assert (informs.warn, informs.fail, informs.words) == ("", "", "cpu > 80% for 5m")
