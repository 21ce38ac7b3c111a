"""What the page of samples is told: how fast samples come, what is on disk, and which metrics a check left."""

from pathlib import Path

import pytest

from keepwell.composition.samples_shown import Pace, _on_disk
from keepwell.rooms.samples.work.kept import KeptFiles


class Counted:
    """A total and a clock that a test sets."""

    def __init__(self) -> None:
        self.now, self.total = 0.0, 0
        self.pace = Pace(lambda: self.total, lambda: self.now)

    def after(self, seconds: float, more: int) -> float | None:
        self.now += seconds
        self.total += more
        return self.pace()


def test_nothing_is_said_before_a_second_has_passed() -> None:
    counted = Counted()
    assert counted.after(0.5, 100) is None
    assert counted.after(0.5, 100) == 200


def test_the_pace_is_that_of_the_last_minute_where_somebody_asked_then() -> None:
    counted = Counted()
    for _ in range(100):
        assert counted.after(10, 1000) == pytest.approx(100)
    for _ in range(7):
        slow = counted.after(10, 10)
    assert slow == pytest.approx(1)


def test_after_a_long_silence_the_pace_is_that_since_then() -> None:
    counted = Counted()
    counted.after(10, 1000)
    assert counted.after(10_000, 20_000) == pytest.approx(2, rel=0.1)


def test_a_store_without_files_says_so(tmp_path: Path) -> None:
    tiers, damaged = _on_disk(KeptFiles(tmp_path))
    assert [(one.name, one.files, one.size, one.oldest) for one in tiers] == [("raw", 0, 0, None), ("5m", 0, 0, None), ("1h", 0, 0, None)]
    assert damaged == []
