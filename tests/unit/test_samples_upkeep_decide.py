"""What is compacted, merged and dropped, and when: decisions over files that exist as names only."""

from datetime import timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as some

from keepwell.rooms.samples.decide import (
    BELIEVED,
    LATE_EVERY,
    MERGE_AFTER,
    MERGE_EVERY,
    SETTLED,
    There,
    days_to_merge,
    hours_to_compact,
    hours_to_roll,
    is_to_verify,
    kept_long_enough,
    lost_hours,
    newest_believed,
)
from keepwell.rooms.samples.files.layout import File, Layout
from keepwell.rooms.samples.model import DAY, HOUR, Keep, Tier

LAYOUT = Layout(Path("samples"))
DAY_0 = 1_795_305_600_000  # 2026-11-22T00:00Z
YEAR = 365 * DAY
KEEP = Keep()


def hours(tier: Tier, *starts: int) -> list[File]:
    return [LAYOUT.hour(tier, start) for start in starts]


def hour_run(tier: Tier, first: int, count: int) -> list[File]:
    return hours(tier, *(first + number * HOUR for number in range(count)))


def test_an_hour_is_compacted_five_minutes_after_its_end_and_again_every_ten() -> None:
    there = There(logged=[DAY_0 + HOUR, DAY_0])
    over = DAY_0 + HOUR + SETTLED
    assert hours_to_compact(over - 1, there, {}) == []
    assert hours_to_compact(over, there, {}) == [DAY_0]
    assert hours_to_compact(over + HOUR, there, {}) == [DAY_0, DAY_0 + HOUR]
    assert hours_to_compact(over + LATE_EVERY - 1, there, {DAY_0: over}) == []
    assert hours_to_compact(over + LATE_EVERY, there, {DAY_0: over}) == [DAY_0]


def test_a_clock_that_was_set_back_holds_nothing_up() -> None:
    over = DAY_0 + HOUR + SETTLED
    assert hours_to_compact(over, There(logged=[DAY_0]), {DAY_0: over + YEAR}) == [DAY_0]


def test_a_roll_up_that_is_missing_or_damaged_is_made_again_from_its_samples() -> None:
    raw, rolled = hour_run(Tier.RAW, DAY_0, 3), hour_run(Tier.FIVE_MINUTES, DAY_0, 2)
    there = There({Tier.RAW: raw, Tier.FIVE_MINUTES: rolled}, {rolled[0].name})
    assert hours_to_roll(DAY_0 + DAY, there, {}) == [DAY_0, DAY_0 + 2 * HOUR]
    merged = There({Tier.RAW: raw, Tier.FIVE_MINUTES: [LAYOUT.day(Tier.FIVE_MINUTES, DAY_0)]})
    assert hours_to_roll(DAY_0 + DAY, merged, {}) == []
    logged = There({Tier.RAW: raw}, logged=[DAY_0, DAY_0 + HOUR])
    assert hours_to_roll(DAY_0 + DAY, logged, {}) == [DAY_0 + 2 * HOUR]
    assert hours_to_roll(DAY_0 + DAY, There({Tier.RAW: raw}, [file.name for file in raw]), {}) == []


def test_a_day_is_merged_when_it_is_over_and_none_of_its_hours_waits() -> None:
    over = DAY_0 + DAY + MERGE_AFTER
    there = There({Tier.FIVE_MINUTES: hour_run(Tier.FIVE_MINUTES, DAY_0, 24)})
    assert days_to_merge(over - 1, there, {}) == []
    assert days_to_merge(over, there, {}) == [DAY_0]
    assert days_to_merge(over, There(there.files, logged=[DAY_0 + 23 * HOUR]), {}) == []
    assert days_to_merge(over + MERGE_EVERY - 1, there, {DAY_0: over}) == []


def test_a_merged_day_is_merged_again_for_late_hours_and_where_its_hours_are_missing() -> None:
    over = DAY_0 + DAY + MERGE_AFTER
    fine, coarse = LAYOUT.day(Tier.FIVE_MINUTES, DAY_0), LAYOUT.day(Tier.HOUR, DAY_0)
    late = LAYOUT.hour(Tier.FIVE_MINUTES, DAY_0 + 3 * HOUR)
    assert days_to_merge(over, There({Tier.FIVE_MINUTES: [fine], Tier.HOUR: [coarse]}), {}) == []
    assert days_to_merge(over, There({Tier.FIVE_MINUTES: [fine, late], Tier.HOUR: [coarse]}), {}) == [DAY_0]
    assert days_to_merge(over, There({Tier.FIVE_MINUTES: [fine]}), {}) == [DAY_0]
    assert days_to_merge(over, There({Tier.FIVE_MINUTES: [fine], Tier.HOUR: [coarse]}, {coarse.name}), {}) == [DAY_0]
    assert days_to_merge(over, There({Tier.FIVE_MINUTES: [fine, late], Tier.HOUR: [coarse]}, {late.name}), {}) == []


def of_a_year() -> There:
    """A server that has run for 1,000 days, and whose retention has worked."""
    first = DAY_0 - 1000 * DAY
    days = [first + number * DAY for number in range(1000)]
    return There(
        {
            Tier.RAW: hour_run(Tier.RAW, DAY_0 - 20 * DAY, 20 * 24),
            Tier.FIVE_MINUTES: [LAYOUT.day(Tier.FIVE_MINUTES, day) for day in days[-100:]],
            Tier.HOUR: [LAYOUT.day(Tier.HOUR, day) for day in days],
        }
    )


def test_each_tier_is_kept_as_long_as_it_says() -> None:
    dropped = kept_long_enough(DAY_0, of_a_year(), KEEP)
    by_tier = {tier: [file for file in dropped if file.tier is tier] for tier in Tier}
    assert [len(by_tier[tier]) for tier in Tier] == [5 * 24, 10, 270]
    assert max(file.end for file in by_tier[Tier.RAW]) == DAY_0 - 15 * DAY
    shorter = kept_long_enough(DAY_0, of_a_year(), Keep(raw=timedelta(hours=3)))
    assert len([file for file in shorter if file.tier is Tier.RAW]) == 20 * 24 - 3


def test_a_clock_that_jumps_forward_by_years_deletes_no_more_than_a_day_of_waiting_would() -> None:
    there = of_a_year()
    assert kept_long_enough(DAY_0 + 10 * YEAR, there, KEEP) == kept_long_enough(DAY_0 + DAY, there, KEEP)
    for strange in range(1, BELIEVED):
        jumped = There({**there.files, Tier.RAW: [*there.files[Tier.RAW], *hour_run(Tier.RAW, DAY_0 + 10 * YEAR, strange)]})
        assert kept_long_enough(DAY_0 + 10 * YEAR + HOUR, jumped, KEEP) == kept_long_enough(DAY_0 + DAY, there, KEEP)


def test_a_clock_that_was_set_back_deletes_nothing_more() -> None:
    assert len(kept_long_enough(DAY_0 - YEAR, of_a_year(), KEEP)) < len(kept_long_enough(DAY_0, of_a_year(), KEEP))


def test_a_server_that_was_off_for_long_believes_its_clock_after_a_day_of_samples() -> None:
    old, new = hour_run(Tier.RAW, DAY_0, 48), hour_run(Tier.RAW, DAY_0 + 60 * DAY, BELIEVED)
    now = DAY_0 + 61 * DAY
    assert kept_long_enough(now, There({Tier.RAW: old + new[:-1]}), KEEP) == []
    assert kept_long_enough(now, There({Tier.RAW: old + new}), KEEP) == old


@given(some.sets(some.integers(0, 5000), min_size=1), some.integers(-YEAR, 20 * YEAR))
def test_the_newest_files_are_never_dropped(numbers: set[int], after: int) -> None:
    files = hours(Tier.RAW, *(DAY_0 + number * HOUR for number in sorted(numbers)))
    dropped = kept_long_enough(DAY_0 + after, There({Tier.RAW: files}), KEEP)
    assert dropped == files[: len(dropped)]
    assert files[-1] not in dropped
    assert not dropped or dropped[-1].end <= files[-1].end + DAY - 15 * DAY


def test_what_time_is_believed() -> None:
    assert newest_believed([]) is None
    weekly = [file for week in range(20) for file in hour_run(Tier.RAW, DAY_0 + 7 * week * DAY, 2)]
    assert newest_believed(weekly) == DAY_0 + 7 * 8 * DAY + 2 * HOUR


def test_all_files_are_checked_once_a_day() -> None:
    files = {Tier.RAW: hours(Tier.RAW, DAY_0)}
    assert not is_to_verify(DAY_0, There(), {})
    assert is_to_verify(DAY_0, There(files), {})
    assert not is_to_verify(DAY_0 + DAY - 1, There(files, verified=DAY_0), {})
    assert is_to_verify(DAY_0 + DAY, There(files, verified=DAY_0), {})
    assert not is_to_verify(DAY_0 + 1, There(files), {0: DAY_0}), "one that failed has no hurry"
    assert is_to_verify(DAY_0, There(files, verified=DAY_0 + YEAR), {})


def test_samples_whose_roll_up_is_there_are_missed() -> None:
    raw, rolled = hour_run(Tier.RAW, DAY_0, 4), hour_run(Tier.FIVE_MINUTES, DAY_0 - HOUR, 5)
    gone = raw.pop(2)
    found = lost_hours(There({Tier.RAW: raw, Tier.FIVE_MINUTES: rolled}))
    assert [file.start for file in found] == [gone.start]
    assert lost_hours(There({Tier.FIVE_MINUTES: rolled})) == []
