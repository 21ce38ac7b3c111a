"""What can go wrong with the store of samples, brought about for real: what was acknowledged is there once, the fault is a sentence."""

import asyncio
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepwell.kernel.problems import StorageError
from keepwell.ports.fakes import FakeClock
from keepwell.ports.samples import NAME, Sample
from keepwell.rooms.samples import log as logs
from keepwell.rooms.samples.admission import DUPLICATE, Kept
from keepwell.rooms.samples.files.reading import Files
from keepwell.rooms.samples.log import Log
from keepwell.rooms.samples.model import HOUR, Rows
from keepwell.rooms.samples.work import early, rounds
from keepwell.rooms.samples.work import store as stores
from keepwell.rooms.samples.work.recovery import Left, read_what_is_left, take_its_place
from keepwell.rooms.samples.work.store import SampleStore
from tests.samples_store import NOW, QUICK, Model, bits, columns, compact, first_wins, held, ids, ms, opened
from tests.support import missing, need, until

ROOT = str(Path(__file__).resolve().parents[2])

# --- random batches ---------------------------------------------------------------------------------------------------------

SAMPLE = st.tuples(
    st.sampled_from(["a", "b", "c"]),
    st.builds(lambda minute, more: ms() + minute * 60_000 + more, st.integers(-200, 9), st.integers(0, 1)),
    st.floats(),
)
STEPS = st.lists(st.one_of(st.lists(SAMPLE, min_size=1, max_size=8), st.sampled_from(["restart", "compact", "later"])), max_size=12)


@given(STEPS)
@settings(max_examples=40, deadline=None)
def test_whatever_comes_in_whatever_order_the_store_holds_what_a_dictionary_holds(steps: list[list[tuple[str, int, float]] | str]) -> None:
    async def run(folder: Path) -> None:
        clock, model, files = FakeClock(NOW), Model(), Files(folder)
        store = SampleStore(folder, clock, QUICK, files)
        await store.begin(60)
        for step in steps:
            if isinstance(step, list):
                before = sum(map(len, model.values()))
                kept = await store.add("job", *columns(*step))
                first_wins(model, step)
                assert kept.stored + kept.refused.get(DUPLICATE, 0) == len(step)
                assert kept.stored >= sum(map(len, model.values())) - before
            elif step == "restart":
                await store.end()
                store = SampleStore(folder, clock, QUICK, files)
                await store.begin(60)
            elif step == "later":
                clock.advance(1200)
            else:
                for hour in await store.used_hours():
                    await compact(store, hour)
            assert await held(store) == model
        await store.end()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder) / "samples"))


# --- SIGKILL ----------------------------------------------------------------------------------------------------------------

KILLED = """
import sys
sys.path.insert(0, {root!r})
from tests.faults.test_samples_store_faults import *
kill_at_points(Path({folder!r}), {every})
"""
STEP = timedelta(minutes=20)


def kill_at_points(folder: Path, every: int) -> None:
    """Lives that each end at a later write point of their own, until one finishes its work. Each finds what those before it left."""
    for number in range(1, 500, every):
        life = os.fork()
        if not life:
            asyncio.run(live(folder, number))
            os._exit(0)
        _, status = os.waitpid(life, 0)
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0, f"life {number} found something wrong"
            print(number)
            return
        assert os.WTERMSIG(status) == signal.SIGKILL
    raise AssertionError("no life came to its end")


async def live(folder: Path, kill_at: int) -> None:
    """Looks whether the counter is whole, and goes on counting: two series, three samples a batch, an hour in three batches; hours that
    are over become files."""
    reached = 0

    def point(_step: str) -> None:
        nonlocal reached
        reached += 1
        if reached == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    acknowledged = folder / "acknowledged"
    last = int(acknowledged.read_text() or 0) if acknowledged.exists() else 0
    clock = FakeClock(NOW + last * STEP)
    store = SampleStore(folder / "samples", clock, QUICK, Files(folder / "samples"), point)
    await store.begin(60)
    found = await held(store)
    counted = [np.uint64(value).view(np.float64) for _, value in sorted(found.get("counter", {}).items())]
    assert counted in [list(range(1, last + 1)), list(range(1, last + 2))], (last, counted)
    assert len(found.get("other", {})) == 2 * len(counted)
    assert store.problems() == []
    for number in range(last + 1, last + 5):
        clock.set(NOW + number * STEP)
        at = ms(clock.now())
        await store.add("job", *columns(("counter", at, number), ("other", at - 1, 0.0), ("other", at - 7_200_000, -number)))
        acknowledged.with_suffix(".new").write_text(str(number))
        acknowledged.with_suffix(".new").rename(acknowledged)
        for hour in await store.used_hours():
            if hour + HOUR <= at:
                await compact(store, hour, point)
    await store.end()


def killed(folder: Path, every: int) -> int:
    """Runs the lives in a program of their own; gives how many points of writing the last of them passed."""
    program = KILLED.format(root=ROOT, folder=str(folder), every=every)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=110, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_a_counter_goes_through_kills(tmp_path: Path) -> None:
    assert killed(tmp_path, 11) > 60, "too few points to say anything"


@pytest.mark.slow
def test_a_counter_goes_through_a_kill_at_every_point_of_writing(tmp_path: Path) -> None:
    assert killed(tmp_path, 1) > 60, "too few points to say anything"


# --- disks ------------------------------------------------------------------------------------------------------------------

BEHIND_A_MOUNT = """
import sys
sys.path.insert(0, {root!r})
from tests.faults.test_samples_store_faults import *
asyncio.run({name}(Path({folder!r})))
"""


def behind_a_mount(mount: str, name: str, folder: Path) -> None:
    """Runs a coroutine of this module in a process whose own mount namespace has something mounted on ``folder``."""
    unshare = need("unshare")
    if os.geteuid() != 0 or subprocess.run([unshare, "-m", "true"], capture_output=True, check=False).returncode != 0:
        missing("mounting needs root and a mount namespace")
    program = BEHIND_A_MOUNT.format(root=ROOT, name=name, folder=str(folder))
    command = [unshare, "-m", "sh", "-ec", f'{mount}; exec "$@"', "sh", sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr


async def on_a_full_disk(folder: Path) -> None:
    ballast = folder / "ballast"
    ballast.write_bytes(bytes(2_000_000))
    model = Model()

    def bring(store: SampleStore, number: int) -> "asyncio.Future[Kept]":
        samples = [(series, ms() - number, float(number)) for series in range(2000)]
        first_wins(model, samples)
        return store.add("job", *columns(*samples))

    async with opened(folder / "samples") as store:
        number, outcome = 0, await outcome_of(lambda: bring(store, 0))
        while isinstance(outcome, Kept):
            number += 1
            outcome = await outcome_of(partial(bring, store, number))
        assert number > 5
        assert outcome.problems[0].code == "storage.disk-full"
        assert store.problems() == [f"samples cannot be stored: {outcome}"]
        assert store.figures.waiting == 2000
        assert sum(map(len, (await held(store)).values())) == 2000 * number, "what is not committed is not shown"
        ballast.unlink()
        assert await bring(store, number + 1) == Kept(2000, {}), "what waited is stored, and storing goes on"
        assert (store.problems(), store.figures.waiting, store.figures.shed) == ([], 0, 0)
        assert await held(store) == model
    async with opened(folder / "samples") as store:
        assert await held(store) == model


async def test_a_full_disk(tmp_path: Path) -> None:
    await asyncio.to_thread(behind_a_mount, f"mount -t tmpfs -o size=6m keepwell-test {tmp_path}", "on_a_full_disk", tmp_path)


async def shed_on_a_full_disk(folder: Path) -> None:
    async with opened(folder / "samples") as store:
        await store.add("job", *columns(("a", ms(), 1.0)))
        (folder / "ballast").write_bytes(bytes(os.statvfs(folder).f_bavail * 4096 - 8192))
        rounds.MOST_WAITING = 50_000
        series = store.identify("job", [{NAME: "m", "i": str(number)} for number in range(1000)])
        outcomes = [
            store.add("job", series, np.full(1000, ms() - number, np.int64), np.full(1000, number, float)) for number in range(1, 80)
        ]
        await store.append([Sample("m", 5.0, NOW, {"i": "port"})])
        results = await asyncio.gather(*outcomes, return_exceptions=True)
        assert all(isinstance(result, StorageError) for result in results)
        assert store.figures.shed == 79_001 - store.figures.waiting
        assert 48_000 <= store.figures.waiting <= 50_000
        (folder / "ballast").unlink()
        await until_stored(store)
        found = await held(store)
        assert bits(79.0) in found["0"].values(), "the newest are kept"
        assert bits(1.0) not in found["0"].values(), "the oldest are shed"
        assert "port" in found


async def until_stored(store: SampleStore) -> None:
    async def is_stored() -> bool:
        return store.figures.waiting == 0

    await until(is_stored, 20, "storing what waits")


async def test_what_waits_for_a_full_disk_is_bounded_and_the_oldest_is_shed(tmp_path: Path) -> None:
    await asyncio.to_thread(behind_a_mount, f"mount -t tmpfs -o size=8m keepwell-test {tmp_path}", "shed_on_a_full_disk", tmp_path)


async def test_a_folder_that_cannot_be_made_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "RETRY_AFTER", (0.05,))
    folder = tmp_path / "there" / "samples"
    folder.parent.write_text("a file in its place")
    async with opened(folder) as store:
        assert store.identify("job", [{NAME: "m"}]).tolist() == [-1]
        with pytest.raises(StorageError, match="cannot be opened"):
            await store.add("job", *columns(("a", ms(), 1.0)))
        await store.append([Sample("m", 1.0, NOW, {"i": "port"})])
        with pytest.raises(StorageError, match="cannot be opened"):
            await store.add("job", ids(-1), np.array([ms()]), np.array([1.0]))
        assert len(store.problems()) == 1
        assert (store.figures.waiting, store.figures.shed) == (2, 1)
        folder.parent.unlink()

        async def is_open() -> bool:
            return not store.problems()

        await until(is_open)
        assert await store.add("job", *columns(("a", ms(), 1.0), ("a", ms() + 1, 2.0))) == Kept(1, {DUPLICATE: 1})
        assert await held(store) == first_wins({}, [("a", ms(), 1.0), ("a", ms() + 1, 2.0), ("port", ms(), 1.0)]), "what waited is there"


async def test_a_disk_that_hangs_does_not_hold_up_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opens, go_on = Log.open, threading.Event()

    def hanging(path: Path, point: logs.Point) -> Log:
        assert go_on.wait(60)
        return opens(path, point)

    monkeypatch.setattr(Log, "open", hanging)
    monkeypatch.setattr(early, "MOST_WAITING", 5)
    store = SampleStore(tmp_path / "samples", FakeClock(NOW), QUICK)
    began = time.monotonic()
    await store.begin(0.1)
    assert time.monotonic() - began < 5
    outcomes = [store.add("job", *columns((str(number), ms(), 1.0))) for number in range(7)]
    assert await held(store) == {}
    assert (store.figures.waiting, store.figures.shed) == (5, 2)
    go_on.set()
    assert [await outcome for outcome in outcomes[2:]] == [Kept(1, {})] * 5
    with pytest.raises(StorageError, match="dropped"):
        await outcomes[0]
    assert sorted(await held(store)) == ["2", "3", "4", "5", "6"]
    await store.end()


async def test_a_store_that_never_opened_ends_at_once(tmp_path: Path) -> None:
    (tmp_path / "samples").write_text("a file in its place")
    began = time.monotonic()
    async with opened(tmp_path / "samples"):
        pass
    assert time.monotonic() - began < 4


async def test_another_program_that_holds_the_log_delays_it_and_no_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_PATIENCE", 0.1)
    async with opened(tmp_path / "samples") as store:
        await store.add("job", *columns(("a", ms(), 1.0)))
        other = sqlite3.connect(tmp_path / "samples" / "samples.sqlite", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError, match="locked"):
            await store.add("job", *columns(("a", ms() + 1, 2.0)))
        assert await held(store) == first_wins({}, [("a", ms(), 1.0)])
        other.execute("ROLLBACK")
        other.close()
        await until_stored(store)
        assert await held(store) == first_wins({}, [("a", ms(), 1.0), ("a", ms() + 1, 2.0)])


async def test_a_reader_of_the_log_delays_no_writer(tmp_path: Path) -> None:
    async with opened(tmp_path / "samples") as store:
        await store.add("job", *columns(("a", ms(), 1.0)))
        reader = Log.open_to_read(tmp_path / "samples" / "samples.sqlite")
        reading = reader.batches(ms() // HOUR * HOUR)
        assert next(reading).rows is not None
        assert await store.add("job", *columns(("a", ms() + 1, 2.0))) == Kept(1, {})
        assert list(reading) == [], "it sees the moment at which it began"
        reader.close()


async def test_an_error_of_our_own_does_not_hold_up_what_comes_after(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(tmp_path / "samples") as store:
        append = Log.append

        def broken(self: Log, batches: list[Rows], series: list[tuple[int, str, str]]) -> object:
            if any(666.0 in rows.value for rows in batches):
                raise ArithmeticError("not foreseen")
            return append(self, batches, series)

        monkeypatch.setattr(Log, "append", broken)
        with pytest.raises(StorageError, match="not foreseen"):
            await store.add("job", *columns(("a", ms(), 666.0)))
        assert await store.add("job", *columns(("a", ms(), 1.0))) == Kept(1, {})
        assert (store.figures.shed, store.figures.waiting) == (1, 0)


# --- damage -----------------------------------------------------------------------------------------------------------------

HOURS = 5


async def store_with_files(folder: Path) -> Model:
    """Samples of five hours: three in files, the others in the log."""
    model = Model()
    clock = FakeClock(NOW)
    async with opened(folder, clock) as store:
        for number in range(HOURS * 30):
            samples = [(series, ms(clock.now()), float(number)) for series in range(40)]
            await store.add("job", *columns(*samples))
            first_wins(model, samples)
            clock.advance(120)
        for hour in (await store.used_hours())[:3]:
            await compact(store, hour)
    return model


def later() -> FakeClock:
    """The clock when the samples of ``store_with_files`` have come."""
    return FakeClock(NOW + timedelta(hours=HOURS))


async def reopened(folder: Path) -> tuple[Model, list[str]]:
    """What a store has after it was opened anew, and what it says; it takes samples in any case."""
    store = SampleStore(folder, later(), QUICK, Files(folder))
    await store.begin(60)
    found, said = await held(store), store.problems()
    assert await store.add("job", *columns(("new", ms(later().now()), 1.0))) == Kept(1, {})
    assert "new" in await held(store)
    await store.end()
    store = SampleStore(folder, later(), QUICK, Files(folder))
    await store.begin(60)
    assert await held(store) == first_wins(found, [("new", ms(later().now()), 1.0)])
    assert store.problems() == [], "said once"
    await store.end()
    found.pop("new")
    return found, said


def in_files(model: Model) -> Model:
    """What the first three hours have."""
    end = ms() // HOUR * HOUR + 3 * HOUR
    return {series: {at: value for at, value in samples.items() if at < end} for series, samples in model.items()}


@pytest.mark.parametrize("damage", ["empty", "cut off", "zeros", "text", "header"])
async def test_a_log_that_is_no_database_any_more(tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "samples"
    model = await store_with_files(folder)
    path = folder / "samples.sqlite"
    whole = path.read_bytes()
    damaged = {
        "empty": b"",
        "cut off": whole[:1000],
        "zeros": bytes(len(whole)),
        "text": b"no database\n" * 5000,
        "header": b"\xff" * 100 + whole[100:],
    }[damage]
    path.write_bytes(damaged)
    found, said = await reopened(folder)
    assert found == in_files(model), "the hours in files are there, under their labels"
    assert len(said) == 1
    assert "samples.sqlite was damaged; it lies in samples/damaged-1" in said[0]
    assert (folder / "damaged-1" / "samples.sqlite").read_bytes() == damaged


async def test_pages_that_were_overwritten_cost_what_stood_there(tmp_path: Path) -> None:
    folder = tmp_path / "samples"
    model = await store_with_files(folder)
    path = folder / "samples.sqlite"
    chance = random.Random(7)
    pages = path.stat().st_size // 4096
    with path.open("r+b") as file:
        for page in chance.sample(range(pages // 2, pages), 6):
            file.seek(page * 4096)
            file.write(b"\xa5" * 4096)
    found, said = await reopened(folder)
    for series, samples in found.items():
        assert samples.items() <= model[series].items(), "nothing that was never stored"
    kept = in_files(model)
    assert all(kept[series].items() <= samples.items() for series, samples in found.items())
    assert said
    assert sum(map(len, found.values())) > sum(map(len, kept.values())), "what can be read of the log is kept"


async def test_a_batch_with_an_altered_byte_is_named_and_passed_over(tmp_path: Path) -> None:
    folder = tmp_path / "samples"
    given = [("a", ms(), 1.0), ("a", ms() + 1, 2.0), ("a", ms() + 2, 3.0)]
    async with opened(folder) as store:
        for sample in given:
            await store.add("job", *columns(sample))
    connection = sqlite3.connect(folder / "samples.sqlite")
    connection.execute("UPDATE batch SET value = x'00000000000000f0' WHERE id = 2")
    connection.commit()
    connection.close()
    async with opened(folder) as store:
        assert await held(store) == first_wins({}, [given[0], given[2]])
        assert store.problems() == [
            "1 batch of samples in samples.sqlite did not match the checksum and was passed over "
            "(kept there in the table damaged_batch); everything else is served"
        ]
        assert store.batches() == {ms() // HOUR * HOUR: [1, 3]}
    async with opened(folder) as store:
        assert store.problems() == []
    connection = sqlite3.connect(folder / "samples.sqlite")
    assert connection.execute("SELECT id FROM damaged_batch").fetchall() == [(2,)]
    connection.close()


async def test_damage_while_it_is_used(tmp_path: Path) -> None:
    """Memory has everything that the log had: nothing is lost, and nobody has to stop Keepwell."""
    folder = tmp_path / "samples"
    model = Model()
    async with opened(folder) as store:
        for number in range(50):
            samples = [(series, ms() - number, float(number)) for series in range(50)]
            await store.add("job", *columns(*samples))
            first_wins(model, samples)
        connection = sqlite3.connect(folder / "samples.sqlite", isolation_level=None)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        path = folder / "samples.sqlite"
        with path.open("r+b") as file:
            file.write(b"\x5a" * path.stat().st_size)
        outcomes = [await outcome_of(lambda number=number: store.add("job", *columns(("a", ms() + number, 1.0)))) for number in range(20)]
        first_wins(model, [("a", ms() + number, 1.0) for number in range(20)])
        await until_stored(store)
        assert outcomes[-1] == Kept(1, {})
        assert await held(store) == model
        assert "was damaged" in store.problems()[0]
    async with opened(folder) as store:
        assert await held(store) == model


async def outcome_of(act: Callable[[], "asyncio.Future[Kept]"]) -> Kept | StorageError:
    try:
        return await act()
    except StorageError as error:
        return error


class Killed(BaseException):
    """The program ends here."""


@pytest.mark.parametrize("number", range(1, 14))
async def test_an_end_in_the_middle_of_replacing_a_damaged_log_loses_nothing(tmp_path: Path, number: int) -> None:
    folder = tmp_path / "samples"
    model = Model()
    async with opened(folder) as store:
        for at in range(3):
            await store.add("job", *columns(("a", ms() + at, 1.0), ("b", ms() + at, 2.0)))
            first_wins(model, [("a", ms() + at, 1.0), ("b", ms() + at, 2.0)])
    connection = sqlite3.connect(folder / "samples.sqlite")
    connection.execute("DROP TABLE metric")
    connection.close()
    reached = 0

    def point(_step: str) -> None:
        nonlocal reached
        reached += 1
        if reached == number:
            raise Killed

    with suppress(Killed):
        take_its_place(
            folder / "samples.sqlite",
            point,
            [(0, '{"__name__":"m","i":"a"}', "job"), (1, '{"__name__":"m","i":"b"}', "job")],
            what_is_left(folder),
        )
    async with opened(folder) as store:
        assert await held(store) == model
        assert min(min(ids) for ids in store.batches().values()) > 1_000_000, "numbers of the old log mean nothing in the new one"


def what_is_left(folder: Path) -> Left:
    return read_what_is_left(next(folder.glob("**/samples.sqlite")))


async def test_a_damaged_batch_that_the_compaction_finds(tmp_path: Path) -> None:
    async with opened(tmp_path / "samples") as store:
        hour = ms() // HOUR * HOUR
        await store.add("job", *columns(("a", ms(), 1.0)))
        await store.add("job", *columns(("a", ms() + 1, 2.0)))
        connection = sqlite3.connect(tmp_path / "samples" / "samples.sqlite")
        connection.execute("UPDATE batch SET checksum = checksum + 1 WHERE id = 1")
        connection.commit()
        connection.close()
        await compact(store, hour)
        assert await store.used_hours() == []
        assert "1 batch of samples in samples.sqlite did not match the checksum" in store.problems()[0]


async def test_a_log_of_the_log_without_its_log_is_not_taken_for_a_new_one_s(tmp_path: Path) -> None:
    folder = tmp_path / "samples"
    async with opened(folder) as store:
        await store.add("job", *columns(("a", ms(), 1.0)))
        left = (folder / "samples.sqlite-wal").read_bytes()
        assert left
    (folder / "samples.sqlite").unlink()
    (folder / "samples.sqlite-wal").write_bytes(left)
    async with opened(folder) as store:
        assert await held(store) == {}
        assert await store.add("job", *columns(("b", ms(), 1.0))) == Kept(1, {})
    assert (folder / "samples.sqlite-wal.left").read_bytes() == left


async def test_numbers_of_series_stay_when_the_index_is_made_of_files(tmp_path: Path) -> None:
    folder = tmp_path / "samples"
    model = await store_with_files(folder)
    shutil.rmtree(folder / "damaged-1", ignore_errors=True)
    for path in folder.glob("samples.sqlite*"):
        path.unlink()
    found, said = await reopened(folder)
    assert (found, said) == (in_files(model), []), "a log that is gone is begun anew beside old files"
    async with opened(folder, later()) as store:
        assert store.ids([]).tolist() == list(range(41))
        assert ids(*range(40)).tolist() == store.identify("job", [{NAME: "m", "i": str(number)} for number in range(40)]).tolist()
