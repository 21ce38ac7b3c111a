"""Backups where something is odd: clocks, names, links, full disks, several at once, and what somebody put into a repository."""

import asyncio
import json
import os
import shutil
import socket
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyrage
import pytest

from keepwell.composition import verbs
from keepwell.config.acceptance import accept_in
from keepwell.kernel.problems import AnswerError, AskError, ConfigurationError, NotFound, UsageError
from keepwell.machine.clock import SystemClock
from keepwell.ports.fakes import FakeClock
from keepwell.ports.work import Outcome
from keepwell.rooms.backups import store
from keepwell.rooms.backups.archive import packing
from keepwell.rooms.backups.archive.signing import FILE
from keepwell.rooms.backups.tables import COPY
from keepwell.rooms.backups.work.restoring import Wanted, restore
from tests.backups import NOW, Rig, rig_on
from tests.services.test_backups_corrupted import list_anew, members, recorded
from tests.support import need, until


def doubled(text: str) -> str:
    """As it is written where braces are filled in."""
    return text.replace("{", "{{").replace("}", "}}")


async def configured(rig: Rig, more: str) -> None:
    rig.configure("  settings:\n    files: {{paths: [{source}]}}\n    to: here\n    " + doubled(more) + "\n")
    await rig.reload()


def all_but(folder: Path) -> list[str]:
    """Patterns that fit everything of the machine but a folder and what leads to it, whatever others make meanwhile."""
    patterns: list[str] = []
    for parent, name in ((one.parent, one.name) for one in (folder, *folder.parents[:-1])):
        place = str(parent).rstrip("/")
        patterns += [f"{place}/{name[:at]}[!{name[at]}/]*" for at in range(len(name))]
        patterns += [f"{place}/{name[:at]}" for at in range(1, len(name))]
        patterns.append(f"{place}/{name}[!/]*")
    return patterns


async def test_the_whole_machine_can_be_backed_up_and_comes_back(tmp_path: Path) -> None:
    """Of all that is there only the source of the test is not excluded."""
    async with rig_on(tmp_path) as rig:
        rig.configure(f"  settings: {{{{files: {{{{paths: [/], exclude: {json.dumps(all_but(rig.source))}}}}}, to: here}}}}\n")
        await rig.reload()
        assert (await rig.run()).facts["files"] == 4
        proven = await rig.prove()
        assert proven.outcome is Outcome.DONE, proven.sentence


@pytest.mark.parametrize("way", ["a link to the repository", "two slashes"])
async def test_nothing_is_archived_under_two_names(tmp_path: Path, way: str) -> None:
    async with rig_on(tmp_path) as rig:
        if way == "two slashes":
            rig.configure("  settings: {{files: {{paths: [{source}, /{source}]}}, to: here}}\n")
            await rig.reload()
        else:
            (rig.source / "copies").mkdir()
            rig.repository.symlink_to(rig.source / "copies")
        assert [(await rig.run()).facts["files"] for _ in range(3)] == [4, 4, 4]
        assert (await rig.prove()).outcome is Outcome.DONE


async def test_a_clock_that_was_ahead_once_costs_no_copy(tmp_path: Path) -> None:
    clock = FakeClock(NOW + timedelta(days=2000))
    async with rig_on(tmp_path, clock) as rig:
        await configured(rig, "keep: {last: 2}")
        await rig.run()
        clock.advance(-timedelta(days=2000).total_seconds())
        for _ in range(3):
            clock.advance(86_400)
            assert (await rig.run()).outcome is Outcome.DONE
        there = [copy.started for copy in await rig.copies() if copy.gone_at is None]
        assert there == [NOW + timedelta(days=2), NOW + timedelta(days=3), NOW + timedelta(days=2000)]
        assert (await rig.room.showing.one("settings")).point(clock.now()) == 0


async def test_a_proven_copy_that_was_damaged_later_takes_the_place_of_no_good_one(tmp_path: Path) -> None:
    clock = FakeClock(NOW)
    async with rig_on(tmp_path, clock) as rig:
        for _ in range(2):
            await rig.run()
            assert (await rig.prove()).outcome is Outcome.DONE
            clock.advance(60)
        await asyncio.to_thread(os.truncate, rig.newest() / "archive.tar.zst", 100)
        await rig.prove()
        await configured(rig, "keep: {last: 1}")
        await rig.run()
        assert [copy.gone_at is None for copy in await rig.copies()] == [True, False, True]
        shown = await rig.room.showing.one("settings")
        assert shown.proven is not None
        assert shown.proven.started == NOW


async def test_what_was_accepted_stands_as_failed_no_more_and_nothing_else_can_be_accepted(tmp_path: Path) -> None:
    clock = FakeClock(NOW)
    async with rig_on(tmp_path, clock) as rig:
        await rig.run()
        (first,) = await rig.copies()
        with pytest.raises(UsageError, match="is not held for implausible"):
            await rig.room.backups.accept("settings", first.id, "somebody")
        (rig.source / "big").unlink()
        clock.advance(60)
        await rig.run()
        assert (await rig.room.showing.one("settings")).state == "failed"
        second = (await rig.copies())[-1]
        await rig.room.backups.accept("settings", second.id, "somebody")
        shown = await rig.room.showing.one("settings")
        assert (shown.state, shown.sentence) == ("made", f"somebody accepted the copy {second.id}")
        await rig.database.write(lambda connection: store.put(connection, store.gone(first, NOW, "outside of keep: last 1")))
        with pytest.raises(NotFound, match="is gone: outside of keep"):
            await rig.room.backups.accept("settings", first.id, "somebody")


async def test_copies_that_nobody_deleted_and_that_are_gone_are_said(tmp_path: Path) -> None:
    clock = FakeClock(NOW)
    async with rig_on(tmp_path, clock) as rig:
        for _ in range(3):
            await rig.run()
            clock.advance(60)
        shutil.rmtree(rig.repository / "settings")
        await rig.room.backups.look_again()
        shown = await rig.room.showing.one("settings")
        assert (shown.state, shown.sentence) == ("failed", "3 copies are not in the repository any more, and not deleted by Keepwell")
        await rig.run()
        assert (await rig.room.showing.one("settings")).state == "made"
        clock.advance(60)
        shutil.rmtree(rig.newest())
        assert "; 1 earlier copy is not in the repository any more" in (await rig.run()).sentence


async def test_a_backup_that_is_kept_elsewhere_from_now_on_is_made_there(tmp_path: Path) -> None:
    clock = FakeClock(NOW)
    async with rig_on(tmp_path, clock) as rig:
        await rig.run()
        rig.configure(
            "  settings: {{files: {{paths: [{source}]}}, to: there}}\n", rest=f"  there: {{archive: {{path: {tmp_path}/second}}}}\n"
        )
        await rig.reload()
        for _ in range(2):
            clock.advance(60)
            made = await rig.run()
            assert made.outcome is Outcome.DONE, made.sentence
            assert "any more" not in made.sentence
        first = (await rig.copies())[0]
        assert first.gone_why == "it was left in the repository here: settings is kept in there now"


async def test_a_copy_that_a_crash_left_unjudged_is_judged(tmp_path: Path) -> None:
    clock = FakeClock(NOW)
    async with rig_on(tmp_path, clock) as rig:
        await rig.run()
        (rig.source / "big").unlink()
        clock.advance(60)
        await rig.run()
        small = (await rig.copies())[-1]
        await rig.database.write(lambda connection: connection.execute(COPY.delete().where(COPY.c.id == small.id)))
        await rig.room.backups.look_again()
        assert (await rig.copies())[-1].doubt == small.doubt != ""


async def test_several_that_are_asked_for_at_once_come_one_after_the_other(tmp_path: Path) -> None:
    async with rig_on(tmp_path) as rig:
        made = await asyncio.gather(*(rig.run() for _ in range(3)))
        assert {one.outcome for one in made} == {Outcome.DONE}, made
        assert len(await rig.copies()) == 3


async def test_a_key_that_cannot_be_used_stops_backups_and_not_the_server(tmp_path: Path) -> None:
    async with rig_on(tmp_path) as rig:
        await rig.run()
        (rig.data / FILE).write_text("garbage")
        await rig.restarted()
        failed = await rig.run()
        assert failed.outcome is Outcome.FAILED
        assert "the key that signs backups" in failed.sentence


@pytest.mark.parametrize("content", [b"[" * 200_000, b'{"format": 1, "holds": {"members": Infinity}}', b"[]", b"\xff", None])
async def test_whatever_lies_where_a_manifest_was_the_server_starts(tmp_path: Path, content: bytes | None) -> None:
    """None: a pipe, from which nothing ever comes."""
    async with rig_on(tmp_path) as rig:
        await rig.run()
        manifest = rig.newest() / "manifest.json"
        manifest.unlink()
        if content is None:
            os.mkfifo(manifest)
        else:
            manifest.write_bytes(content)
        await asyncio.wait_for(rig.restarted(), 60)
        assert "its manifest" in (await rig.copies())[0].fault


async def test_a_copy_that_cannot_be_deleted_yet_holds_nobody_up(tmp_path: Path) -> None:
    async with rig_on(tmp_path) as rig:
        await rig.run()
        (copy,) = await rig.copies()
        await rig.database.write(lambda connection: store.put(connection, store.gone(copy, NOW, "outside of keep: days 3")))
        lock = rig.repository / "settings" / ".lock"
        lock.unlink()
        lock.symlink_to("/does/not/exist")  # opening it fails, as on a file system that is read-only
        await rig.restarted()
        assert (rig.repository / "settings" / copy.id).is_dir()
        lock.unlink()
        await rig.restarted()
        assert not (rig.repository / "settings" / copy.id).exists()


async def test_without_room_nothing_is_said_against_a_copy_and_a_part_of_it_needs_less(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with rig_on(tmp_path) as rig:
        await rig.run()
        usage = shutil.disk_usage(tmp_path)._replace(free=1_000_000)
        monkeypatch.setattr("keepwell.rooms.backups.archive.extract.shutil.disk_usage", lambda _: usage)
        proof = await rig.prove()
        assert "has 1 MB free, and what is restored needs 2.005 MB" in proof.sentence
        assert [copy.fault for copy in await rig.copies()] == [""]
        wanted = Wanted(rig.repository, "settings", None, (), tmp_path / "out", "", [str(rig.source / "conf")])
        assert restore(wanted).members == 6
        linked = Wanted(rig.repository, "settings", None, (), tmp_path / "out2", "", [str(rig.source / "again"), str(rig.source / "big")])
        with pytest.raises(AskError, match=r"needs 2\.005 MB"):
            restore(linked)


async def test_an_identity_that_does_not_fit_says_nothing_against_a_copy(tmp_path: Path) -> None:
    async with rig_on(tmp_path) as rig:
        right, wrong = (pyrage.x25519.Identity.generate() for _ in range(2))
        (tmp_path / "key").write_text(str(right))
        rig.configure(archive=f", age: {right.to_public()}, identity: 'secret:file:{tmp_path}/key'")
        await rig.reload()
        await rig.run()
        (tmp_path / "key").write_text(str(wrong))
        proof = await rig.prove()
        assert "cannot be decrypted with the identity that is set" in proof.sentence
        assert [copy.fault for copy in await rig.copies()] == [""]


async def test_large_texts_are_searched_to_their_end_and_lines_have_ends(tmp_path: Path) -> None:
    async with rig_on(tmp_path) as rig:
        (rig.source / "dump.sql").write_bytes(b"x\n" * 9_000_000 + b"-- Dump completed\n")
        (rig.source / "a.conf").write_bytes(b"name = x\nlisten = 3001\n")
        questions = [
            f"{{text: {rig.source}/dump.sql, holds: '^-- Dump completed$'}}",
            f"{{text: {rig.source}/a.conf, holds: '^listen = [0-9]+$'}}",
        ]
        await configured(rig, f"prove: {{questions: [{', '.join(questions)}]}}")
        await rig.run()
        proof = await rig.prove()
        assert proof.outcome is Outcome.DONE, proof.sentence


async def test_what_is_left_out_is_counted_and_any_time_comes_back_by_hand(tmp_path: Path) -> None:
    for program in ("tar", "zstd"):
        need(program)
    async with rig_on(tmp_path) as rig:
        kept, home = [], os.open(rig.source, os.O_RDONLY)  # a socket's name may have a hundred bytes
        for number in range(40):
            kept.append(socket.socket(socket.AF_UNIX))
            kept[-1].bind(f"/proc/self/fd/{home}/s{number}")
        os.utime(rig.source / "big", ns=(0, -1_500_000_000))
        made = await rig.run()
        assert '/s0" is a socket and 39 more' in made.sentence
        for one in kept:
            one.close()
        os.close(home)
        (tmp_path / "hand").mkdir()
        command = f"zstd -dc {rig.newest()}/archive.tar.zst | tar -xpf - -C {tmp_path}/hand"
        await asyncio.to_thread(subprocess.run, command, shell=True, check=True, capture_output=True)
        assert (tmp_path / "hand" / str(rig.source).lstrip("/") / "big").stat().st_mtime_ns == -1_500_000_000
        assert (await rig.prove()).outcome is Outcome.DONE


async def test_a_file_that_is_written_anew_and_longer_is_not_taken_for_one_that_grew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with rig_on(tmp_path) as rig:
        read, big = packing._read, rig.source / "big"
        done: list[int] = []

        def reads(handle: int, size: int) -> bytes:
            data = read(handle, size)
            if data.startswith(b"0123456789") and not done:
                done.append(big.write_bytes(b"Z" * 3_000_000))
            return data

        monkeypatch.setattr(packing, "_read", reads)
        made = await rig.run()
        assert made.facts["bytes"] == 3_005_014
        assert (await rig.prove()).outcome is Outcome.DONE


async def test_stopping_does_not_wait_for_the_end_of_a_large_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with rig_on(tmp_path) as rig:
        chunks, reading = [0], asyncio.Event()
        read, loop = packing._read, asyncio.get_running_loop()
        with (rig.source / "huge").open("wb") as huge:
            huge.truncate(1 << 42)  # four terabytes of nothing: no test waits for them

        def counted(handle: int, size: int) -> bytes:
            chunks[0] += 1
            if chunks[0] == 5:
                loop.call_soon_threadsafe(reading.set)
            return read(handle, size)

        monkeypatch.setattr(packing, "_read", counted)
        making = asyncio.create_task(rig.run())
        await reading.wait()
        await asyncio.wait_for(rig.room.end(), 120)
        assert "is being stopped" in (await making).sentence
        assert chunks[0] < (1 << 42) / (1 << 20)


async def test_what_a_restore_could_not_finish_or_passed_over_is_said(tmp_path: Path) -> None:
    clock = FakeClock(NOW)
    async with rig_on(tmp_path, clock) as rig:
        for _ in range(2):
            await rig.run()
            clock.advance(60)
        older, newer = [copy.id for copy in await rig.copies()]
        (rig.newest() / "manifest.json").unlink()
        wanted = Wanted(rig.repository, "settings", None, (), tmp_path / "out")
        restored = await asyncio.to_thread(restore, wanted)
        assert (restored.manifest.id, [one.id for one in restored.passed_over]) == (older, [newer])


async def test_what_lies_there_after_a_restore_that_failed_is_said_to_be_worth_nothing(tmp_path: Path) -> None:
    async with rig_on(tmp_path) as rig:
        await rig.run()
        folder = rig.newest()
        list_anew(folder, [replace(one, sha256="0" * 64) if one.path.endswith("big") else one for one in members(folder)])
        recorded(rig, folder)
        wanted = Wanted(rig.repository, "settings", None, (), tmp_path / "out")
        with pytest.raises(AnswerError, match=r"its SHA-256 differs; what is in .*/out so far is not to be relied on"):
            await asyncio.to_thread(restore, wanted)


async def test_a_copy_that_was_deleted_while_it_was_proven_stays_deleted(tmp_path: Path) -> None:
    need("bash")
    async with rig_on(tmp_path, SystemClock()) as rig:
        waits = f"touch {tmp_path}/begun; until test -e {tmp_path}/deleted; do sleep 0.05; done"
        await configured(rig, f"prove: {{questions: [{{command: '{waits}'}}]}}")
        accept_in(tmp_path / "ops", verbs.executables(str(tmp_path / "ops"), verbs.effective_user()), "tests", NOW)
        await rig.reload()
        await rig.run()
        (copy,) = await rig.copies()
        proving = asyncio.create_task(rig.prove())

        async def begun() -> bool:
            return (tmp_path / "begun").exists()

        await until(begun, what="the question that is asked")
        await rig.database.write(lambda connection: store.put(connection, store.gone(copy, NOW, "outside of keep: last 1")))
        (tmp_path / "deleted").touch()
        assert (await proving).outcome is Outcome.DONE
        (after,) = await rig.copies()
        assert after.gone_why == "outside of keep: last 1"
        assert after.proven_at is not None


@pytest.mark.parametrize(
    ("recipient", "words"),
    [
        ("age1qqqq", "this is no recipient of age"),
        ("AGE-SECRET-KEY-1QQQ", "this is an identity, which is secret"),
        ("ssh-ed25519 AAAAxx", "this is no recipient of age"),
    ],
)
async def test_who_copies_are_encrypted_for_is_looked_at_before_any_is_made(tmp_path: Path, recipient: str, words: str) -> None:
    async with rig_on(tmp_path) as rig:
        rig.configure(archive=f", age: {recipient}")
        with pytest.raises(ConfigurationError, match=words):
            await rig.reload()


@pytest.mark.parametrize("encrypted", [False, True])
async def test_the_key_that_signs_copies_lies_in_none_that_everybody_can_read(tmp_path: Path, encrypted: bool) -> None:
    async with rig_on(tmp_path) as rig:
        archive = f", age: {pyrage.x25519.Identity.generate().to_public()}" if encrypted else ""
        rig.configure(f"  settings: {{{{files: {{{{paths: [{rig.source}, {rig.data}]}}}}, to: here}}}}\n", archive=archive)
        await rig.reload()
        made = await rig.run()
        assert made.outcome is Outcome.DONE, made.sentence
        assert ("is the key that signs copies, and these are not encrypted" in made.sentence) is not encrypted
