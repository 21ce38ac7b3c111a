"""Roll-ups that were read a moment ago: as the files have them, never more than their bound, and never what was."""

import threading
from pathlib import Path

import numpy as np
import pytest

from keepwell.rooms.samples.files import reading, recent
from keepwell.rooms.samples.files.reading import Files
from keepwell.rooms.samples.model import DAY, HOUR, Ids, Rolled, Tier
from tests.sampled_hours import MIDNIGHT, Folder, an_hour, rolled_list

ONE_AND_THREE = np.array([1, 3], np.int32)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path / "samples")
    made.begin()
    for hour in range(MIDNIGHT, MIDNIGHT + 4 * HOUR, HOUR):
        made.append(an_hour(hour, 20_000))
        made.compact(hour)
    made.merge(MIDNIGHT)
    return made


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were read."""
    names: list[str] = []
    original = reading._rolled

    def counted(opened: object, *rest: object) -> Rolled:
        names.append(opened.file.name)  # type: ignore[attr-defined]
        return original(opened, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(reading, "_rolled", counted)
    return names


def asked(files: Files, tier: Tier, ids: Ids = ONE_AND_THREE, start: int = MIDNIGHT, end: int = MIDNIGHT + DAY) -> Rolled:
    """What the files have, without bins."""
    return files.rolled(tier, ids, start, end, bins=False)


def test_a_file_is_read_once_for_the_same_series(folder: Folder, read: list[str]) -> None:
    files = Files(folder.path)
    first = asked(files, Tier.FIVE_MINUTES)
    assert rolled_list(asked(files, Tier.FIVE_MINUTES)) == rolled_list(first)
    part = asked(files, Tier.FIVE_MINUTES, start=MIDNIGHT + HOUR, end=MIDNIGHT + 2 * HOUR - 1)
    assert rolled_list(part) == [row for row in rolled_list(first) if MIDNIGHT + HOUR <= row[1] < MIDNIGHT + 2 * HOUR]
    assert len(part) == 24
    assert read == ["5m/20261122.parquet"]
    asked(files, Tier.FIVE_MINUTES, np.array([1], np.int32))
    files.rolled(Tier.FIVE_MINUTES, ONE_AND_THREE, MIDNIGHT, MIDNIGHT + DAY)
    assert read == ["5m/20261122.parquet"] * 3


def test_a_file_that_was_made_anew_is_read_anew(folder: Folder, read: list[str]) -> None:
    files = Files(folder.path)
    before = asked(files, Tier.HOUR)
    folder.append([(1, MIDNIGHT + 5 * HOUR, 4711.0)])
    folder.compact(MIDNIGHT + 5 * HOUR)
    folder.merge(MIDNIGHT)
    after = asked(files, Tier.HOUR)
    assert len(after) == len(before) + 1
    assert 4711.0 in after.maximum
    assert read.count("1h/20261122.parquet") == 2


@pytest.mark.parametrize(("most", "largest", "times"), [(1_000_000, 100_000, 1), (1, 100_000, 2), (1_000_000, 1, 2)])
def test_what_is_remembered_is_bounded(
    folder: Folder, read: list[str], monkeypatch: pytest.MonkeyPatch, most: int, largest: int, times: int
) -> None:
    monkeypatch.setattr(recent, "BYTES", most)
    monkeypatch.setattr(recent, "_LARGEST", largest)
    files = Files(folder.path)
    first = asked(files, Tier.HOUR)
    assert rolled_list(asked(files, Tier.HOUR)) == rolled_list(first)
    assert read == ["1h/20261122.parquet"] * times


def test_what_is_remembered_cannot_be_changed(folder: Folder) -> None:
    found = asked(Files(folder.path), Tier.HOUR)
    with pytest.raises(ValueError, match="read-only"):
        found.sum[0] = 1.0


def test_many_threads_ask_at_once(folder: Folder) -> None:
    wanted = rolled_list(asked(folder.files, Tier.FIVE_MINUTES))
    files, same = Files(folder.path), []

    def ask() -> None:
        for _ in range(20):
            same.append(rolled_list(asked(files, Tier.FIVE_MINUTES)) == wanted)  # noqa: PERF401 (threads share it)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert same == [True] * 160
