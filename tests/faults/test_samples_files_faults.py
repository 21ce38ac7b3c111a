"""Files of samples under everything that can happen to them: killed writers, cut and altered files, full disks."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from keepwell.ports.fakes import FakeClock
from keepwell.rooms.samples.files.columns import whole_field
from keepwell.rooms.samples.files.damage import Damaged
from keepwell.rooms.samples.files.facts import facts_of
from keepwell.rooms.samples.files.layout import File
from keepwell.rooms.samples.files.parquet import Form, writing
from keepwell.rooms.samples.files.reading import Files
from keepwell.rooms.samples.model import DAY, HOUR, Keep, Tier
from keepwell.rooms.samples.work.child import work_in_child
from tests.sampled_hours import MIDNIGHT, Folder, an_hour, bits, rolled_list, sorted_rows
from tests.services.test_samples_files import Store, at, upkeep_of
from tests.support import missing, need

ROOT = Path(__file__).resolve().parents[2]
HOURS = (MIDNIGHT, MIDNIGHT + HOUR)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Two hours in files."""
    made = Folder(tmp_path / "samples")
    made.begin()
    for hour in HOURS:
        made.append(an_hour(hour, 60_000))
        made.compact(hour)
    return made


# --- killed -----------------------------------------------------------------------------------------------------------------


def killed(tmp_path: Path, every: int) -> list[dict[str, object]]:
    command = [sys.executable, "-m", "tests.faults.samples_killed", str(tmp_path), str(every)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=600)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_kill_at_any_point_loses_nothing_and_counts_nothing_twice(tmp_path: Path) -> None:
    stages = killed(tmp_path, 1)
    assert [stage["faults"] for stage in stages] == [[]] * 6
    assert all(int(str(stage["kills"])) >= 5 for stage in stages)


def test_a_kill_at_some_points_loses_nothing_and_counts_nothing_twice(tmp_path: Path) -> None:
    stages = killed(tmp_path, 11)
    assert [stage["faults"] for stage in stages] == [[]] * 6
    assert all(int(str(stage["kills"])) >= 1 for stage in stages)


# --- damaged ----------------------------------------------------------------------------------------------------------------


def answers(files: Files) -> tuple[object, object]:
    return bits(files.rows(None, 0, 2**60)), rolled_list(files.rolled(Tier.FIVE_MINUTES, None, 0, 2**60))


def places(size: int, every: int) -> list[int]:
    """Many places of a file: its beginning and its end, and some between."""
    return sorted({*range(8), *range(8, size, every), *range(size - 24, size)})


@pytest.mark.parametrize("tier", [Tier.RAW, Tier.FIVE_MINUTES])
@pytest.mark.parametrize("bit", [0x01, 0x80, 0xFF])
def test_a_file_of_which_any_byte_was_altered_is_named_and_the_rest_is_served(folder: Folder, tier: Tier, bit: int) -> None:
    path = folder.files.layout.hour(tier, MIDNIGHT).path
    rest = without(folder, tier)
    content = path.read_bytes()
    for place in places(len(content), 37):
        path.write_bytes(content[:place] + bytes([content[place] ^ bit]) + content[place + 1 :])
        files = folder.files
        assert answers(files) == rest, f"byte {place} of {len(content)}"
        (sentence,) = files.damages.sentences()
        assert sentence.startswith(f"samples/{tier.value}/20261122T00.parquet "), sentence


@pytest.mark.parametrize("tier", [Tier.RAW, Tier.FIVE_MINUTES])
def test_a_file_that_was_cut_off_anywhere_is_named_and_the_rest_is_served(folder: Folder, tier: Tier) -> None:
    path = folder.files.layout.hour(tier, MIDNIGHT).path
    rest = without(folder, tier)
    content = path.read_bytes()
    for length in places(len(content), 61):
        path.write_bytes(content[:length])
        files = folder.files
        assert answers(files) == rest, f"{length} of {len(content)} bytes"
        assert len(files.damages.sentences()) == 1


def without(folder: Folder, tier: Tier) -> tuple[object, object]:
    """The answers without the first hour of a tier."""
    path = folder.files.layout.hour(tier, MIDNIGHT).path
    path.rename(path.with_suffix(".away"))
    found = answers(folder.files)
    path.with_suffix(".away").rename(path)
    return found


def empty(file: File) -> None:
    file.path.write_bytes(b"")


def text(file: File) -> None:
    file.path.write_text("series,at,value\n1,2,3\n")


def zeros(file: File) -> None:
    file.path.write_bytes(bytes(file.path.stat().st_size))


def a_folder(file: File) -> None:
    file.path.unlink()
    file.path.mkdir()


def foreign(file: File) -> None:
    pq.write_table(pa.table({"series": [1], "at": [2], "value": [0.5]}), file.path)


def other_columns(file: File) -> None:
    schema = pa.schema([whole_field("series", pa.int32()), whole_field("value", pa.float64())])
    form = Form(schema, {"series": "DELTA_BINARY_PACKED", "value": "PLAIN"}, ("series",), 100)
    with writing(file, form) as writer:
        writer.write(pa.table([np.array([1], np.int32), np.array([0.5])], schema=schema))
        writer.close(facts_of(file, {}))


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (empty, "is empty (0 bytes)"),
        (text, "is no Parquet file, or a part of it is missing"),
        (zeros, "is no Parquet file, or a part of it is missing"),
        (a_folder, "cannot be read (Is a directory)"),
        (foreign, "has been altered, or was not written by Keepwell: it has no seal"),
        (other_columns, "has other columns than a file of the tier raw"),
    ],
)
def test_what_is_no_file_of_ours_is_named_once(
    folder: Folder, caplog: pytest.LogCaptureFixture, spoil: Callable[[File], None], reason: str
) -> None:
    rest = without(folder, Tier.RAW)
    spoil(folder.files.layout.hour(Tier.RAW, MIDNIGHT))
    files = folder.files
    for _ in range(3):
        assert answers(files) == rest
        files.inspect()
    sentence = f"samples/raw/20261122T00.parquet {reason}; what it holds is left out, everything else is served"
    assert files.damages.sentences() == [sentence]
    assert [record.message for record in caplog.records] == [sentence]
    assert files.hours() == {MIDNIGHT + HOUR}


@pytest.fixture
def nobody() -> Iterator[None]:
    """Root reads everything: as root, the test goes on as another user."""
    if os.geteuid() == 0:
        os.seteuid(65534)
        yield
        os.seteuid(0)
    else:
        yield


@pytest.fixture
def reachable(folder: Folder) -> Iterator[Path]:
    """A copy of the folder that another user reaches, whose first hour he may not read."""
    place = Path(tempfile.mkdtemp()) / "samples"
    shutil.copytree(folder.path, place)
    for one in (place.parent, place, *(place / tier.value for tier in Tier)):
        one.chmod(0o755)
    for file in place.glob("*/*.parquet"):
        file.chmod(0o644)
    Files(place).layout.hour(Tier.RAW, MIDNIGHT).path.chmod(0)
    yield place
    shutil.rmtree(place.parent)


def test_a_file_that_is_not_for_us_to_read_is_named_and_the_rest_is_served(folder: Folder, reachable: Path, nobody: None) -> None:
    files = Files(reachable)
    served, rolled = answers(files)
    assert served == bits(sorted_rows(an_hour(MIDNIGHT + HOUR, 60_000)))
    assert rolled == rolled_list(folder.expected_rolled(Tier.FIVE_MINUTES))
    (sentence,) = files.damages.sentences()
    assert sentence.startswith("samples/raw/20261122T00.parquet cannot be read (Permission denied)")


def test_a_folder_that_is_not_for_us_to_list_is_named_once(folder: Folder, reachable: Path, request: pytest.FixtureRequest) -> None:
    (reachable / "raw").chmod(0)
    request.getfixturevalue("nobody")
    files = Files(reachable)
    for _ in range(2):
        served, rolled = answers(files)
        files.inspect()
    assert (served, rolled) == ([], rolled_list(folder.expected_rolled(Tier.FIVE_MINUTES)))
    assert files.damages.sentences() == [
        "samples/raw cannot be read (Permission denied); what it holds is left out, everything else is served"
    ]


def test_a_repaired_file_is_served_again_and_a_removed_one_is_no_longer_named(folder: Folder) -> None:
    path = folder.files.layout.hour(Tier.RAW, MIDNIGHT).path
    files, whole, content = folder.files, answers(folder.files), path.read_bytes()
    path.write_bytes(content[:-5])
    assert answers(files) != whole
    path.write_bytes(content)
    assert answers(files) == whole
    files.damages.note(Damaged(files.layout.hour(Tier.RAW, MIDNIGHT), "cannot be read (Permission denied)"))
    path.chmod(0o640)
    assert answers(files) == whole, "who may read it was changed"
    path.write_bytes(content[:-5])
    assert answers(files) != whole
    path.unlink()
    assert files.damages.sentences() == []


def test_late_samples_of_an_hour_whose_file_is_damaged_spoil_no_roll_up(folder: Folder) -> None:
    path = folder.files.layout.hour(Tier.RAW, MIDNIGHT).path
    rolled = rolled_list(folder.rolled(Tier.FIVE_MINUTES))
    path.write_bytes(path.read_bytes()[:-9])
    for first in (30_000, 15_000):
        folder.append(an_hour(MIDNIGHT, 60_000, first))
        done = folder.compact(MIDNIGHT)
        assert done["rows"] == 240 if first == 30_000 else 480
    assert folder.files.layout.aside() == [path.with_name("20261122T00.parquet.damaged")]
    assert rolled_list(folder.rolled(Tier.FIVE_MINUTES)) == rolled
    assert len(folder.files.rows(None, MIDNIGHT, MIDNIGHT + HOUR - 1)) == 480


async def test_damaged_roll_ups_are_made_again_as_long_as_the_samples_are_there(folder: Folder) -> None:
    for damaged in (Tier.FIVE_MINUTES, Tier.HOUR):
        upkeep = upkeep_of(folder, at(MIDNIGHT + DAY + HOUR))
        await upkeep.look()
        assert (len(folder.files.layout.files(Tier.FIVE_MINUTES)), len(folder.files.layout.files(Tier.HOUR))) == (1, 1)
        path = folder.files.layout.day(damaged, MIDNIGHT).path
        path.write_bytes(path.read_bytes()[:-20] + bytes(20))
        upkeep = upkeep_of(folder, at(MIDNIGHT + DAY + 3 * HOUR))
        await upkeep.look()
        for tier in (Tier.FIVE_MINUTES, Tier.HOUR):
            assert rolled_list(folder.rolled(tier)) == rolled_list(folder.expected_rolled(tier))
        assert upkeep._files.damages.sentences() == []


async def test_what_was_altered_without_anybody_asking_is_found_within_a_day_and_made_again(folder: Folder) -> None:
    clock = FakeClock(datetime.now(UTC))  # the time of the last check is the disk's own
    upkeep = upkeep_of(folder, clock, Keep(timedelta(days=99_999), timedelta(days=99_999), timedelta(days=99_999)))
    await upkeep.look()
    path = min((folder.path / "5m").glob("*.parquet"))  # the first hour's, or once that day is over the day's
    content = path.read_bytes()
    path.write_bytes(content[:100] + bytes([content[100] ^ 1]) + content[101:])
    await upkeep.look()
    assert upkeep.problems() == []
    clock.advance(25 * 3600)
    await upkeep._verify(await upkeep._there())
    (sentence,) = upkeep.problems()
    assert sentence.startswith(f"samples/5m/{path.name} has been altered: its column "), sentence
    await upkeep.look()
    assert rolled_list(folder.rolled(Tier.FIVE_MINUTES)) == rolled_list(folder.expected_rolled(Tier.FIVE_MINUTES))
    assert upkeep._files.damages.sentences() == []


# --- full disks and dying children -------------------------------------------------------------------------------------------

BEHIND_A_MOUNT = """import asyncio, pathlib, sys
sys.path.insert(0, {root!r})
from tests.faults.test_samples_files_faults import on_a_full_disk
asyncio.run(on_a_full_disk(pathlib.Path({folder!r})))
"""


async def on_a_full_disk(place: Path) -> None:
    folder = Folder(place / "samples")
    folder.begin()
    for hour in HOURS:
        folder.append(an_hour(hour, 2_000))
    held = folder.log()  # as the store holds it
    ballast = place / "ballast"
    free = os.statvfs(place)
    ballast.write_bytes(bytes(free.f_bavail * free.f_bsize - 8_192))
    clock = at(MIDNIGHT + 3 * HOUR)
    upkeep = upkeep_of(folder, clock)
    for _ in range(2):
        await upkeep.look()
        clock.advance(600)
    sentence = "compacting samples does not work (No space left on device); nothing is lost, it is tried again later"
    assert upkeep.problems() == [sentence], upkeep.problems()
    assert [path.name for path in folder.path.glob("*/*")] == [], "nothing unfinished is left"
    assert bits(folder.stored()) == bits(folder.expected())
    ballast.unlink()
    await upkeep.look()
    assert upkeep.problems() == [], upkeep.problems()
    assert bits(folder.files.rows(None, 0, 2**60)) == bits(folder.expected())
    assert await Store(folder).used_hours() == []
    held.close()


def test_a_disk_that_is_full_during_compaction(tmp_path: Path) -> None:
    unshare = need("unshare")
    if os.geteuid() != 0 or subprocess.run([unshare, "-m", "true"], capture_output=True).returncode != 0:
        missing("mounting needs root and a mount namespace")
    program = BEHIND_A_MOUNT.format(root=str(ROOT), folder=str(tmp_path))
    mount = f'mount -t tmpfs -o size=8m keepwell-test {tmp_path}; exec "$@"'
    command = [unshare, "-m", "sh", "-ec", mount, "sh", sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, cwd=ROOT)
    assert done.returncode == 0, done.stderr


async def test_a_child_that_is_killed_is_said_and_leaves_nothing_half(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.append(an_hour(MIDNIGHT + 2 * HOUR))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setattr("keepwell.rooms.samples.work.child._PROGRAM", "tests.faults.child_that_dies")
    done = await work_in_child("compact", folder.path, folder.log_path, [MIDNIGHT + 2 * HOUR])
    assert (done.outcomes, done.fault) == ([], "its process was ended by signal 9 (out of memory?)")
    monkeypatch.undo()
    assert bits(folder.stored()) == bits(folder.expected())
    assert len(folder.files.layout.begin()) == 2, "what it left unfinished goes at the next start"
    folder.compact(MIDNIGHT + 2 * HOUR)
    assert bits(folder.files.rows(None, 0, 2**60)) == bits(folder.expected())


async def test_questions_while_hours_are_merged_miss_nothing(folder: Folder) -> None:
    expected = rolled_list(folder.expected_rolled(Tier.FIVE_MINUTES))
    files = folder.files
    ended = False

    def ask() -> int:
        asked = 0
        while not ended:
            assert rolled_list(files.rolled(Tier.FIVE_MINUTES, None, 0, 2**60)) == expected
            asked += 1
        return asked

    asking = asyncio.create_task(asyncio.to_thread(ask))
    for number in range(4):
        await work_in_child("merge", folder.path, folder.log_path, [MIDNIGHT])
        folder.append([(0, HOURS[number % 2], -1.0)])  # a duplicate makes the hour's file again and changes nothing
        await work_in_child("compact", folder.path, folder.log_path, [HOURS[number % 2]])
    ended = True
    assert await asking > 4
    assert files.damages.sentences() == []
