"""Which series have ended from one page to the next, when a target is due, and how known series are kept and forgotten."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepwell.ports.samples import is_stale
from keepwell.rooms.samples.scraping.due import SPREAD, aligned, deadline, first_due, following
from keepwell.rooms.samples.scraping.intake import AGAIN, REMEMBERED, SELDOM, SPARE, Intake
from keepwell.rooms.samples.scraping.lines import NO_TIME, PageError
from keepwell.rooms.samples.scraping.options import ScrapeOptions
from keepwell.rooms.samples.scraping.stale import NOTHING, difference, markers
from keepwell.rooms.samples.scraping.targets import targets_of

_FEW = st.lists(st.integers(-2, 12), max_size=12)


def _ids(numbers: list[int]) -> Any:
    return np.array(numbers, dtype=np.int32)


@settings(max_examples=200)
@given(_FEW, _FEW)
def test_what_ended_and_began_is_what_sets_say(before: list[int], now: list[int]) -> None:
    followed = difference(NOTHING, _ids(before), None).followed
    change = difference(followed, _ids(now), None)
    was, is_now = {number for number in before if number >= 0}, {number for number in now if number >= 0}
    assert set(change.ended.tolist()) == was - is_now
    assert set(change.begun.tolist()) == is_now - was
    assert change.followed.tolist() == sorted(is_now)


def test_a_page_that_could_not_be_had_ends_everything_once() -> None:
    first = difference(NOTHING, _ids([3, 1]), None)
    failed = difference(first.followed, NOTHING, None)
    assert failed.ended.tolist() == [1, 3]
    assert len(difference(failed.followed, NOTHING, None).ended) == 0


def test_samples_with_their_own_instants_are_not_followed() -> None:
    at = np.array([NO_TIME, 5, NO_TIME], dtype=np.int64)
    first = difference(NOTHING, _ids([1, 2, 3]), at)
    assert first.followed.tolist() == [1, 3]
    assert difference(first.followed, _ids([3]), None).ended.tolist() == [1]


def test_a_series_that_gets_instants_of_its_own_ends_as_a_followed_one() -> None:
    first = difference(NOTHING, _ids([1]), None)
    assert difference(first.followed, _ids([1]), np.array([5], dtype=np.int64)).ended.tolist() == [1]


def test_a_marker_is_prometheus_not_a_number() -> None:
    rows = markers(_ids([4, 9]), 1000)
    assert (rows.series.tolist(), rows.at.tolist()) == ([4, 9], [1000, 1000])
    assert is_stale(rows.value).all()
    assert rows.value.view(np.uint64).tolist() == [0x7FF0000000000002] * 2


# --- when -----------------------------------------------------------------------------------------------------------------


def test_targets_are_spread_and_always_at_the_same_place() -> None:
    places = [first_due(("job", number), 60.0, 100.0) - 100.0 for number in range(200)]
    assert all(0 <= place < SPREAD for place in places)
    assert len({int(place) for place in places}) == int(SPREAD)
    assert first_due("x", 2.0, 5.0) - 5.0 == pytest.approx(first_due("x", 2.0, 9.0) - 9.0)
    assert first_due("x", 2.0, 0.0) < 2.0


@pytest.mark.parametrize(("timeout", "every", "wanted"), [(10, 60, 10), (10, 10, 9.5), (1, 1, 0.95), (0.5, 1, 0.5)])
def test_a_page_is_given_up_before_the_next_is_due(timeout: float, every: float, wanted: float) -> None:
    assert deadline(timeout, every) == wanted


@pytest.mark.parametrize(("due", "every", "now", "then"), [(10, 5, 10, 15), (10, 5, 14.9, 15), (10, 5, 15, 20), (10, 5, 33, 35)])
def test_what_was_missed_is_left_out(due: float, every: float, now: float, then: float) -> None:
    assert following(due, every, now) == then


@pytest.mark.parametrize(
    ("at", "last", "every", "wanted"),
    [
        (10_003, 0, 10, 10_003),  # the first
        (20_004, 10_000, 10, 20_000),
        (19_994, 10_000, 10, 20_000),
        (40_004, 10_000, 10, 40_000),  # after two that were missed
        (20_011, 10_000, 10, 20_011),  # too far
        (11_008, 10_000, 1, 11_000),
        (9_000, 10_000, 10, 9_000),  # the clock was set back
        (11_011, 10_000, 1, 11_011),
    ],
)
def test_instants_are_evenly_apart_where_they_nearly_are(at: int, last: int, every: float, wanted: int) -> None:
    assert aligned(at, last, every) == wanted


# --- what is known of a target ---------------------------------------------------------------------------------------------


class Known:
    """An intake with a store that numbers what it is asked for, or refuses."""

    def __init__(self, **given: Any) -> None:
        options = ScrapeOptions.model_validate_json(json.dumps({"targets": ["host:1"], **given}))
        self.intake = Intake(targets_of("j", options).targets[0])
        self.names: list[str] = []
        self.full = False

    def take(self, body: str, now: float, kind: str = "text/plain") -> dict[str, float]:
        page = self.intake.digest(body.encode(), kind, now)
        unknown = self.intake.unknown(now)
        ids = []
        for labels in unknown.values():
            if self.full:
                ids.append(-1)
                continue
            if labels["__name__"] not in self.names:
                self.names.append(labels["__name__"])
            ids.append(self.names.index(labels["__name__"]))
        self.asked = len(unknown)
        if unknown:
            self.intake.know(list(unknown), _ids(ids))
        taken = self.intake.rows(page)
        names = [self.names[number] if number >= 0 else f"refused{number}" for number in taken.ids.tolist()]
        return dict(zip(names, taken.value.tolist(), strict=True))


def test_a_series_is_brought_to_the_store_once() -> None:
    known = Known()
    assert known.take("a 1\nb 2\n", 1000) == {"a": 1, "b": 2}
    assert known.take("b 3\na 4\nc 5\n", 1010) == {"b": 3, "a": 4, "c": 5}
    assert known.asked == 1


def test_a_series_that_was_gone_for_long_is_brought_again() -> None:
    known = Known()
    known.take("a 1\nb 2\n", 1000)
    for now in range(1010, 1010 + 2 * int(REMEMBERED), 60):
        assert known.take("b 3\n", now) == {"b": 3}
    assert known.take("a 1\nb 2\n", 2 * REMEMBERED + 1060) == {"a": 1, "b": 2}
    assert known.asked == 1


def test_a_page_whose_series_are_others_each_time_fills_no_memory() -> None:
    known = Known()
    for turn in range(8):
        page = "".join(f'a{{turn="{turn}",number="{number}"}} 1\n' for number in range(3000))
        known.take(page, 1000 + turn)
        assert known.intake.remembered <= 2 * 3000 + SPARE + 3000
    assert known.take('a{turn="7",number="5"} 4\n', 1010) == {"a": 4}


def test_what_the_store_refuses_is_brought_again_after_a_while() -> None:
    known = Known()
    known.full = True
    assert known.take("a 1\n", 1000) == {"refused-1": 1}
    times = []
    for now in range(1001, 3001):
        known.take("a 2\n", now)
        times += [now] * known.asked
    assert times[:4] == [1000 + AGAIN, 1000 + 3 * AGAIN, 1000 + 7 * AGAIN, 1000 + 15 * AGAIN]
    assert times[-1] - times[-2] == SELDOM
    known.full = False
    assert known.take("a 3\n", 3001 + SELDOM) == {"a": 3}


def test_another_format_begins_anew() -> None:
    known = Known()
    assert known.take("a 1\nb 2\n", 1000) == {"a": 1, "b": 2}
    assert known.take("c 1\nb 3\n# EOF\n", 1010, "application/openmetrics-text") == {"c": 1, "b": 3}
    assert known.take("b 4\n", 1020) == {"b": 4}


def test_limits_fail_the_page_each_time_and_not_the_next_good_one() -> None:
    known = Known(sample_limit=2, label_limit=4, label_value_length_limit=20, label_name_length_limit=10)
    for page, sentence in (
        ("a 1\nb 2\nc 3\n", "the page has 3 samples, and sample_limit allows 2"),
        ('a{x="1",y="2"} 1\n', '"a" has 5 labels, and label_limit allows 4'),
        ('a{x="' + "ä" * 11 + '"} 1\n', 'the label x of "a" has 22 bytes: label_value_length_limit is 20'),
        ("a{" + "x" * 11 + '="1"} 1\n', 'a label of "a" has a name of 11 bytes: label_name_length_limit is 10'),
    ):
        for now in (1000, 1010):
            with pytest.raises(PageError) as caught:
                known.take(page, now)
            assert str(caught.value) == sentence
    assert known.take("a 1\nb 2\n", 1020) == {"a": 1, "b": 2}


def test_what_relabelling_drops_costs_nothing_of_the_limit() -> None:
    known = Known(sample_limit=1, metric_relabel_configs=[{"source_labels": ["__name__"], "regex": "b.*", "action": "drop"}])
    assert known.take("a 1\nb 2\nb2 3\n", 1000) == {"a": 1}
    assert known.take("b 2\n", 1000) == {}
