"""Whether a copy is plausible, and which copies are kept."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from keepwell.kernel.zones import find_zone
from keepwell.rooms.backups.decide import Keep, doubt, retention
from keepwell.rooms.backups.model import Copy

ZONE = find_zone("Europe/Berlin")
NOW = datetime(2026, 3, 31, 1, 0, tzinfo=UTC)


def copy(days_ago: float, **more: object) -> Copy:
    at = NOW - timedelta(days=days_ago)
    made = Copy(f"c{days_ago:g}", "settings", "here", at, at, 100, 10, 1000, "")
    return replace(made, **more)  # type: ignore[arg-type]


def daily(days: int) -> list[Copy]:
    """One a day, the newest now."""
    return [copy(day) for day in range(days, -1, -1)]


def kept(copies: list[Copy], **keep: int) -> list[str]:
    return [one.copy.id for one in retention(copies, Keep(ZONE, **keep), NOW) if one.kept]


@pytest.mark.parametrize(
    ("size", "files", "words"),
    [
        (1000, 10, ""),
        (500, 5, ""),
        (499, 10, "it holds 499 bytes, where 1,000 are usual"),
        (1000, 4, "it holds 4 files, where 10 are usual"),
        (0, 0, "it holds no file"),
        (10**9, 10**6, ""),
    ],
)
def test_a_copy_that_is_much_smaller_than_usual_is_doubted(size: int, files: int, words: str) -> None:
    assert doubt(size, files, daily(20), 0.5) == words


def test_the_first_copy_is_plausible_unless_it_is_empty() -> None:
    assert doubt(1, 1, [], 0.5) == ""
    assert doubt(0, 0, [], 0.5) == "it holds no file"


def test_what_is_doubted_says_nothing_of_what_is_usual_and_what_was_accepted_does() -> None:
    small = {"bytes": 10, "files": 1}
    doubted = [*daily(6), *(copy(-day, **small, doubt="small") for day in range(1, 20))]
    assert doubt(10, 1, doubted, 0.5)
    accepted = [*daily(6), copy(-1, **small, accepted=True)]
    assert doubt(10, 1, accepted, 0.5) == ""
    assert doubt(2, 1, accepted, 0.5)


def test_without_rules_every_copy_is_kept() -> None:
    assert kept(daily(5)) == [one.id for one in daily(5)]
    assert retention([], Keep(ZONE, days=1), NOW) == []


@pytest.mark.parametrize(
    ("keep", "wanted"),
    [
        ({"last": 2}, ["c1", "c0"]),
        ({"days": 3}, ["c2", "c1", "c0"]),  # one that is exactly three days old is older than they allow
        ({"daily": 3}, ["c2", "c1", "c0"]),
        ({"weekly": 2}, ["c2", "c0"]),  # 31 March 2026 is a Tuesday: the last of the week before is Sunday's
        ({"monthly": 3}, ["c59", "c31", "c0"]),  # 31 January, 28 February
        ({"yearly": 2}, ["c90", "c0"]),  # 31 December
        ({"last": 1, "monthly": 2}, ["c31", "c0"]),
    ],
)
def test_which_copies_stay(keep: dict[str, int], wanted: list[str]) -> None:
    assert kept(daily(120), **keep) == wanted


def test_a_day_ends_in_its_zone() -> None:
    late = [copy(0.125), copy(0)]  # 22:00 and 01:00 UTC are 00:00 and 03:00 of one day in Berlin (summer time)
    assert kept(late, daily=5) == ["c0"]
    utc = [one.copy.id for one in retention(late, Keep(find_zone("UTC"), daily=5), NOW) if one.kept]
    assert utc == ["c0.125", "c0"]


def test_the_newest_and_the_newest_proven_always_stay() -> None:
    copies = [copy(400, proven_at=NOW), copy(300, proven_at=NOW), copy(200)]
    verdicts = {one.copy.id: one.why for one in retention(copies, Keep(ZONE, days=1), NOW)}
    assert verdicts == {"c400": "outside of keep: days 1", "c300": "the newest that was proven", "c200": "the newest"}


def test_what_bears_an_instant_of_the_future_stays_and_takes_the_place_of_none() -> None:
    was_wrong = [copy(-400), *daily(5)]
    assert kept(was_wrong, last=2) == ["c-400", "c1", "c0"]
    is_wrong_now = [*(copy(-day) for day in range(9000, 9010)), copy(0)]
    assert kept(is_wrong_now, last=1) == [one.id for one in is_wrong_now]


@pytest.mark.parametrize("trouble", [{"doubt": "it holds no file"}, {"fault": "its manifest is missing"}])
def test_nothing_goes_while_the_newest_cannot_be_relied_on(trouble: dict[str, str]) -> None:
    copies = [*daily(50)[:-1], copy(0, **trouble)]
    verdicts = retention(copies, Keep(ZONE, last=1), NOW)
    assert all(one.kept for one in verdicts)
    assert next(iter(trouble.values())) in verdicts[0].why


def test_doubted_copies_do_not_stand_for_their_period() -> None:
    copies = [copy(3), copy(2), copy(1, doubt="small"), copy(0)]
    assert kept(copies, last=3) == ["c3", "c2", "c0"]
