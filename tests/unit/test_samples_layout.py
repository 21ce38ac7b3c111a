"""Names of files and which of them answer a stretch of time."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from keepwell.rooms.samples.files.layout import File, Layout, file_named, pieces
from keepwell.rooms.samples.model import DAY, HOUR, Tier

NOON = 1_795_348_800_000  # 2026-11-22T12:00Z
MIDNIGHT = NOON - 12 * HOUR


def test_names_say_what_is_in_them(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    assert layout.hour(Tier.RAW, NOON + 5).path == tmp_path / "raw" / "20261122T12.parquet"
    assert layout.hour(Tier.FIVE_MINUTES, NOON - 1).name == "5m/20261122T11.parquet"
    day = layout.day(Tier.HOUR, NOON)
    assert (day.name, day.start, day.end, day.is_hour) == ("1h/20261122.parquet", MIDNIGHT, MIDNIGHT + DAY, False)
    for file in (day, layout.hour(Tier.RAW, NOON)):
        assert file_named(file.path.parent, file.path.name, file.tier) == file


@pytest.mark.parametrize(
    "name",
    ["20261122T24.parquet", "20261322.parquet", "20261122T1.parquet", ".20261122.parquet.7.unfinished", "20261122.parquet.damaged", "x"],
)
def test_other_names_are_not_ours(name: str) -> None:
    assert file_named(Path("raw"), name, Tier.RAW) is None


def test_what_dead_writers_left_is_removed_at_the_start(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "samples")
    assert layout.files(Tier.RAW) == []
    assert layout.begin() == []
    left = tmp_path / "samples" / "5m" / ".20261122T06.parquet.77.unfinished"
    kept = layout.hour(Tier.FIVE_MINUTES, NOON).path
    for path in (left, kept, kept.with_name("notes.txt")):
        path.write_bytes(b"x")
    assert layout.begin() == [left]
    assert not left.exists()
    assert [file.path for file in layout.files(Tier.FIVE_MINUTES)] == [kept]


def file_of(start: int, length: int) -> File:
    return File(start, start + length, Path(f"{start}-{length}"), Tier.FIVE_MINUTES)


@given(some.sets(some.integers(0, 47)), some.sets(some.integers(0, 1)), some.integers(-HOUR, 2 * DAY + HOUR), some.integers(0, 2 * DAY))
def test_every_instant_is_answered_by_one_file_and_an_hour_goes_before_its_day(
    hours: set[int], days: set[int], start: int, length: int
) -> None:
    files = sorted([file_of(hour * HOUR, HOUR) for hour in hours] + [file_of(day * DAY, DAY) for day in days])
    found = pieces(files, start, start + length)
    assert all(before.end < after.start for before, after in pairwise(found))
    assert all(start <= piece.start <= piece.end <= start + length for piece in found)
    for hour in range(48):
        for instant in (hour * HOUR, hour * HOUR + HOUR - 1):
            answering = [piece.file for piece in found if piece.start <= instant <= piece.end]
            expected = file_of(hour * HOUR, HOUR) if hour in hours else file_of(hour // 24 * DAY, DAY) if hour // 24 in days else None
            asked = start <= instant <= start + length
            assert answering == ([expected] if expected and asked else [])
