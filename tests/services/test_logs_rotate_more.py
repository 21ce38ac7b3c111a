"""Rotation where something is not as it should be: the writer does not let go, links, other programs, no room, no reason."""

import gzip
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from keepwell.ports.work import Outcome
from keepwell.rooms.logs import store
from keepwell.rooms.logs.files import packing
from keepwell.storage import journal
from tests.logs_room import Rig, room_on
from tests.logs_writer import numbers_in, writing
from tests.support import need


def policy(folder: Path, rotate: str) -> str:
    """The section, for all logs of a folder."""
    return f"  shop:\n    paths: ['{folder}/*.log']\n    rotate: {{{rotate}}}\n"


def names_in(folder: Path) -> list[str]:
    """The names in a folder."""
    return sorted(path.name for path in folder.iterdir())


def by_gzip(packed: Path) -> bytes:
    """What gzip itself reads from a file."""
    return subprocess.run([need("gzip"), "-dc", str(packed)], capture_output=True, check=True).stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for logs."""
    (tmp_path / "log").mkdir()
    return tmp_path / "log"


async def test_what_the_writer_does_not_let_go_of_stays_as_it_is(tmp_path: Path, folder: Path) -> None:
    async with room_on(tmp_path, policy(folder, "compress: at once, reopen: HUP, release: 300ms")) as rig:
        with writing(folder / "app.log", 2000, "--hang-on") as writer:
            writer.wrote()
            performed = await rig.do("rotation", "shop")
            assert performed.outcome is Outcome.FAILED
            assert f"({writer.process.pid}) still writes to it after 0.3 s: no line is lost" in performed.sentence
            written = writer.end()
        assert (folder / "app.log.1").exists()
        assert numbers_in(folder, "app.log") == list(range(written))
        # Nobody holds it any more: the next rotation compresses it.
        (folder / "app.log").write_text("line 0\n")
        assert (await rig.do("rotation", "shop")).outcome is Outcome.DONE
        assert names_in(folder) == ["app.log.1.gz", "app.log.2.gz"]


async def test_a_program_without_a_handler_gets_no_signal_that_ends_it(tmp_path: Path, folder: Path) -> None:
    async with room_on(tmp_path, policy(folder, "reopen: HUP, release: 200ms")) as rig:
        with writing(folder / "app.log", 2000, "--no-handler") as writer:
            writer.wrote()
            performed = await rig.do("rotation", "shop")
            assert writer.process.poll() is None
            assert performed.outcome is Outcome.FAILED
            assert "has no handler for SIGHUP" in performed.sentence
            written = writer.end()
        assert numbers_in(folder, "app.log") == list(range(written))


async def test_links_are_left_alone(tmp_path: Path, folder: Path) -> None:
    elsewhere = tmp_path / "elsewhere.log"
    elsewhere.write_text("precious\n")
    os.symlink(elsewhere, folder / "app.log")
    os.symlink(tmp_path, tmp_path / "aside")
    async with room_on(tmp_path, policy(folder, "keep: 3, create: '600'")) as rig:
        performed = await rig.do("rotation", "shop")
        assert performed.sentence == "nothing to rotate: no file of logs.shop has any content"
    assert elsewhere.read_text() == "precious\n"
    assert (folder / "app.log").is_symlink()
    os.symlink(folder, tmp_path / "linked")
    async with room_on(tmp_path, policy(tmp_path / "linked", "keep: 3")) as rig:
        performed = await rig.do("rotation", "shop", "through a link")
        assert performed.outcome is Outcome.FAILED
        assert "it is a link: name the folder itself" in performed.sentence


async def test_a_name_that_is_taken_is_not_replaced(tmp_path: Path, folder: Path) -> None:
    """Numbers with a gap, one of them twice: everything is kept."""
    (folder / "app.log").write_text("new\n")
    (folder / "app.log.1").write_text("one\n")
    (folder / "app.log.3").write_text("three\n")
    (folder / "app.log.4.gz").write_bytes(gzip.compress(b"four\n"))
    async with room_on(tmp_path, policy(folder, "keep: 10, create: '600'")) as rig:
        assert (await rig.do("rotation", "shop")).outcome is Outcome.DONE
    names = {name: (folder / name).read_bytes() for name in names_in(folder)}
    assert {name: content for name, content in names.items() if not name.endswith("gz")} == {
        "app.log": b"",
        "app.log.1": b"new\n",
        "app.log.2": b"one\n",
        "app.log.3": b"three\n",
    }
    assert "app.log.4.gz" in names


@pytest.mark.parametrize(("create", "said"), [("640 nobody-of-that-name x", "there is no user nobody-of-that-name on this machine")])
async def test_an_owner_that_does_not_exist_is_said_before_anything_is_done(tmp_path: Path, folder: Path, create: str, said: str) -> None:
    (folder / "app.log").write_text("one\n")
    async with room_on(tmp_path, policy(folder, f"create: '{create}'")) as rig:
        performed = await rig.do("rotation", "shop")
        assert performed.outcome is Outcome.FAILED
        assert said in performed.sentence
    assert names_in(folder) == ["app.log"]


async def test_too_many_and_too_old_ones_are_removed(tmp_path: Path, folder: Path) -> None:
    (folder / "app.log").write_text("new\n")
    for number in range(1, 6):
        (folder / f"app.log.{number}").write_text(f"{number}\n")
    os.utime(folder / "app.log.2", (0, 0))
    async with room_on(tmp_path, policy(folder, "keep: 4, max_age: 30d")) as rig:
        performed = await rig.do("rotation", "shop")
        assert performed.sentence == "1 file rotated, 3 removed"
    assert names_in(folder) == ["app.log.1", "app.log.2", "app.log.4"]


async def test_copying_needs_a_reason_and_loses_nothing_while_nobody_writes(tmp_path: Path, folder: Path) -> None:
    (folder / "app.log").write_text("one\ntwo\n")
    async with room_on(tmp_path, policy(folder, "copy_and_truncate: true")) as rig:
        refused = await rig.do("rotation", "shop")
        assert refused.outcome is Outcome.REFUSED
        assert "loses every line that is written between copying and cutting" in refused.sentence
    with (folder / "app.log").open("a") as writer:
        async with room_on(tmp_path, policy(folder, "copy_and_truncate: it cannot open anew")) as rig:
            assert (await rig.do("rotation", "shop", "with a reason")).outcome is Outcome.DONE
        writer.write("three\n")
    assert (folder / "app.log.1").read_text() == "one\ntwo\n"
    assert (folder / "app.log").read_text() == "three\n"


async def test_what_comes_before_and_fails_leaves_everything(tmp_path: Path, folder: Path) -> None:
    (folder / "app.log").write_text("one\n")
    async with room_on(tmp_path, policy(folder, "first: 'echo not now >&2; exit 3'")) as rig:
        assert "may not run" in (await rig.do("rotation", "shop")).sentence
    assert (folder / "app.log").read_text() == "one\n"


async def test_no_room_to_compress_keeps_what_is_there(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "app.log").write_text("one\n" * 1000)

    def full(descriptor: int, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    async with room_on(tmp_path, policy(folder, "compress: at once")) as rig:
        monkeypatch.setattr(packing, "_put", full)
        performed = await rig.do("rotation", "shop")
        assert performed.outcome is Outcome.FAILED
        assert "cannot be compressed: No space left on device" in performed.sentence
        assert names_in(folder) == ["app.log.1"]
        monkeypatch.undo()
        (folder / "app.log").write_text("two\n")
        assert (await rig.do("rotation", "shop")).outcome is Outcome.DONE
    assert names_in(folder) == ["app.log.1.gz", "app.log.2.gz"]


async def test_a_file_that_is_too_large_is_rotated_by_itself(tmp_path: Path, folder: Path) -> None:
    (folder / "large.log").write_text("x" * 5000)
    (folder / "small.log").write_text("x")
    async with room_on(tmp_path, policy(folder, "size: 4k, keep: 3")) as rig:
        sizes = rig.room.activities[1]
        for job in sizes.take_due(sizes.next_due() or 0.0):
            await job.run()
        done = await rig.room.newest("shop")
        assert done is not None
        assert (done["by"], done["outcome"], done["facts"]["rotated"]) == ("logs/shop", "done", 1)
    assert names_in(folder) == ["large.log.1", "small.log"]


async def test_a_rotation_by_size_that_keeps_failing_is_told_of_once_for_each_reason(tmp_path: Path, folder: Path, caplog: Any) -> None:
    live, archive = folder / "large.log", folder / "archive"
    section = policy(folder, "size: 4k, archive: archive")
    live.write_text("x" * 5000)

    async def look(rig: Rig, times: int) -> None:
        for _ in range(times):
            with live.open("a") as file:
                file.write("x" * 100)
            (job,) = rig.room.activities[1].take_due(float("inf"))
            await job.run()

    async def told(rig: Rig) -> list[str]:
        entries = await rig.database.read(lambda connection: journal.slice(connection, "logs/shop"))
        return [f"{one.facts['outcome']}: {one.facts['sentence']}".removesuffix(" (and 2 more)") for one in reversed(entries)]

    archive.write_text("not a folder")
    why = f"failed: {live} cannot be rotated: "
    async with room_on(tmp_path, section) as rig:
        await look(rig, 4)
        assert await told(rig) == [f"{why}Not a directory"]
    async with room_on(tmp_path, section) as rig:  # a restart is no news
        await look(rig, 2)
        assert await told(rig) == [f"{why}Not a directory"]
    other = policy(folder, "size: 4k, archive: archive, create: '640 nobody-of-that-name'")
    async with room_on(tmp_path, other) as rig:
        archive.unlink()
        await look(rig, 3)
        assert [one.partition(": ")[2] for one in await told(rig)] == [
            f"{live} cannot be rotated: Not a directory",
            f"{live} cannot be rotated: there is no user nobody-of-that-name on this machine",
        ]
        assert len(await rig.database.read(lambda connection: store.newest(connection, "rotation", "shop", 100))) == 2
        assert (await rig.do("rotation", "shop")).outcome is Outcome.FAILED
        assert len(await told(rig)) == 3, "whoever asks for it, hears of it"
    async with room_on(tmp_path, section) as rig:
        await look(rig, 1)
        live.write_text("x" * 5000)
        archive.rename(folder / "elsewhere")
        archive.write_text("not a folder")
        await look(rig, 2)
        assert [one.partition(":")[0] for one in await told(rig)] == ["failed"] * 3 + ["done", "failed"]
    assert [record.getMessage() for record in caplog.records].count("rotation by size") == 4, "once for each reason in each life"


async def test_gzip_reads_what_was_compressed(tmp_path: Path, folder: Path) -> None:
    content = os.urandom(3_000_000) + b"words " * 1_000_000
    (folder / "app.log").write_bytes(content)
    os.chmod(folder / "app.log", 0o640)
    os.utime(folder / "app.log", (1_700_000_000, 1_700_000_000))
    async with room_on(tmp_path, policy(folder, "compress: at once")) as rig:
        assert (await rig.do("rotation", "shop")).sentence == "1 file rotated, 1 compressed"
    packed = folder / "app.log.1.gz"
    assert by_gzip(packed) == content
    assert (packed.stat().st_mode & 0o777, packed.stat().st_mtime) == (0o640, 1_700_000_000)
