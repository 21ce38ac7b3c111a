"""Backups are made, kept and proved: real files, a real database."""

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest

from keepwell.kernel.problems import AskError, NotFound
from keepwell.ports.fakes import FakeClock
from keepwell.ports.work import Outcome
from tests.backups import NOW, rig_on


async def test_a_backup_is_made_read_back_and_stored_with_its_journal(tmp_path: Path) -> None:
    async with rig_on(tmp_path) as rig:
        performed = await rig.run()
        assert performed.outcome is Outcome.DONE, performed.sentence
        assert performed.facts["files"] == 4  # two names of one file are one
        (copy,) = await rig.copies()
        folder = rig.repository / "settings" / copy.id
        assert sorted(one.name for one in folder.iterdir()) == [
            "README.txt",
            "archive.tar.zst",
            "manifest.json",
            "manifest.json.sig",
            "members.jsonl.zst",
            "signer.pem",
        ]
        assert json.loads((folder / "manifest.json").read_text())["backup"] == "settings"
        assert (folder / "archive.tar.zst").stat().st_mode & 0o077 == 0
        assert await rig.events() == ["backup.made"]


async def test_what_was_backed_up_is_proven_with_modes_and_owners(tmp_path: Path) -> None:
    async with rig_on(tmp_path) as rig:
        await rig.run()
        performed = await rig.prove()
        assert performed.outcome is Outcome.DONE, performed.sentence
        assert "as they were" in performed.sentence
        (copy,) = await rig.copies()
        assert copy.proven_at == NOW
        assert copy.recovery_seconds is not None
        assert not (rig.data / "scratch").exists() or not list((rig.data / "scratch").iterdir())
        assert await rig.room.backups.newest_proof("settings") == NOW
        assert await rig.room.backups.newest_proof(None) == NOW
        assert await rig.events() == ["backup.made", "backup.proven"]


async def test_the_same_occasion_is_never_done_twice(tmp_path: Path) -> None:
    async with rig_on(tmp_path) as rig:
        first = await rig.run(key="tasks/1")
        again = await rig.run(key="tasks/1")
        assert again == first
        assert len(await rig.copies()) == 1
        other = await rig.run(key="tasks/2")
        assert other.record != first.record
        assert len(await rig.copies()) == 2


async def test_a_defect_of_ours_ends_the_run_that_met_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def breaks(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("keepwell.rooms.backups.work.making.make", breaks)
    async with rig_on(tmp_path) as rig:
        performed = await rig.run()
        assert (performed.outcome, performed.sentence) == (Outcome.FAILED, "an internal fault of Keepwell; its log has the details")
        assert await rig.events() == ["backup.failed"]


async def test_what_is_missing_in_the_configuration_is_refused_with_the_reason(tmp_path: Path) -> None:
    async with rig_on(tmp_path) as rig:
        rig.configure(
            "  open: {{every: daily, to: here}}\n"
            "  nowhere: {{files: {{paths: [/etc/hosts]}}}}\n"
            "  base: {{postgres: {{database: x}}, to: here}}\n"
        )
        await rig.reload()
        for name, words in (("open", "what is copied"), ("nowhere", "where its copies are kept"), ("base", "of the kind postgres")):
            performed = await rig.run(name)
            assert performed.outcome is Outcome.REFUSED
            assert words in performed.sentence
        with pytest.raises(NotFound, match="no backup"):
            await rig.run("other")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda source: None, ""),
        (lambda source: [os.rename(source, source.with_name("away"))], "does not exist"),
    ],
)
async def test_a_path_that_is_not_there_makes_no_backup(tmp_path: Path, spoil: object, words: str) -> None:
    async with rig_on(tmp_path) as rig:
        spoil(rig.source)  # type: ignore[operator]
        performed = await rig.run()
        assert (performed.outcome is Outcome.DONE) is (not words)
        assert words in performed.sentence
        if words:
            assert await rig.copies() == []
            assert [one for one in (rig.repository / "settings").iterdir() if one.is_dir()] == []
            assert await rig.events() == ["backup.failed"]


async def test_copies_that_nothing_keeps_go_after_the_next_backup_and_the_proven_one_stays(tmp_path: Path) -> None:
    clock = FakeClock(NOW)
    async with rig_on(tmp_path, clock) as rig:
        rig.configure(rig_backup("keep: {days: 3}"))
        await rig.reload()
        await rig.run()
        await rig.prove()
        proven = (await rig.copies())[0].id
        for _ in range(6):
            clock.advance(86_400)
            assert (await rig.run()).outcome is Outcome.DONE
        copies = await rig.copies()
        there = [copy.id for copy in copies if copy.gone_at is None]
        assert there == [proven, *[copy.id for copy in copies][-3:]]
        assert sorted(one.name for one in (rig.repository / "settings").iterdir() if one.is_dir()) == sorted(there)
        gone = [copy for copy in copies if copy.gone_at is not None]
        assert {copy.gone_why for copy in gone} == {"outside of keep: days 3"}
        assert (await rig.events()).count("backup.copy-deleted") == len(gone) == 3


def rig_backup(more: str) -> str:
    return "  settings:\n    files: {{paths: [{source}]}}\n    to: here\n    " + more.replace("{", "{{").replace("}", "}}") + "\n"


async def test_nothing_is_deleted_after_an_implausible_backup_until_somebody_accepts_it(tmp_path: Path) -> None:
    clock = FakeClock(NOW)
    async with rig_on(tmp_path, clock) as rig:
        rig.configure(rig_backup("keep: {last: 1}"))
        await rig.reload()
        await rig.run()
        (rig.source / "big").unlink()
        clock.advance(60)
        performed = await rig.run()
        assert performed.outcome is Outcome.FAILED
        assert "implausible" in performed.sentence
        assert "5,014 bytes, where 2,005,014 are usual" in performed.sentence
        clock.advance(60)
        assert (await rig.run()).outcome is Outcome.FAILED  # what is implausible says nothing of what is usual
        copies = await rig.copies()
        assert len([copy for copy in copies if copy.gone_at is None]) == 3
        await rig.room.backups.accept("settings", copies[-1].id, "somebody")
        clock.advance(60)
        assert (await rig.run()).outcome is Outcome.DONE
        assert [copy.gone_at is None for copy in await rig.copies()] == [False, False, False, True]
        assert "backup.accepted" in await rig.events()


async def test_a_failed_backup_deletes_nothing(tmp_path: Path) -> None:
    clock = FakeClock(NOW)
    async with rig_on(tmp_path, clock) as rig:
        rig.configure(rig_backup("keep: {days: 1}"))
        await rig.reload()
        await rig.run()
        clock.advance(timedelta(days=9).total_seconds())
        os.rename(rig.source, rig.source.with_name("away"))
        assert (await rig.run()).outcome is Outcome.FAILED
        assert [copy.gone_at for copy in await rig.copies()] == [None]


async def test_copies_that_vanish_come_back_or_belong_to_somebody_else_are_said(tmp_path: Path) -> None:
    async with rig_on(tmp_path) as rig:
        await rig.run()
        folder = rig.newest()
        os.rename(folder, tmp_path / "aside")
        await rig.room.backups.look_again()
        (copy,) = await rig.copies()
        assert copy.gone_why == "it is not in its repository any more"
        os.rename(tmp_path / "aside", folder)
        await rig.room.backups.look_again()
        assert [one.gone_at for one in await rig.copies()] == [None]
        (rig.repository / "settings" / "notes").mkdir()
        await rig.room.backups.look_again()
        assert await rig.events() == ["backup.made", "backup.copy-gone", "backup.copy-found"]


async def test_a_repository_that_is_not_mounted_makes_no_copy_gone(tmp_path: Path) -> None:
    async with rig_on(tmp_path) as rig:
        await rig.run()
        os.rename(rig.repository, tmp_path / "away")
        assert "is no folder" in (await rig.room.backups.look_again())[0]
        assert [copy.gone_at for copy in await rig.copies()] == [None]
        assert (await rig.prove()).outcome is Outcome.FAILED
        assert [copy.fault for copy in await rig.copies()] == [""]


async def test_the_repository_is_no_part_of_what_it_keeps(tmp_path: Path) -> None:
    async with rig_on(tmp_path) as rig:
        rig.configure("  settings: {{files: {{paths: [{source}/..]}}, to: here}}\n")
        text = (tmp_path / "ops" / "keepwell.yaml").read_text().replace(f"{rig.source}/..", str(tmp_path / "source"))
        (tmp_path / "ops" / "keepwell.yaml").write_text(text.replace(str(rig.repository), str(rig.source / "copies")))
        await rig.reload()
        sizes = [(await rig.run()).facts["files"] for _ in range(3)]
        assert sizes == [4, 4, 4]


async def test_nobody_asks_of_backups_that_are_not_there(tmp_path: Path) -> None:
    async with rig_on(tmp_path) as rig:
        with pytest.raises(AskError, match='no backup is called "other"'):
            await rig.room.backups.newest_proof("other")
        assert await rig.room.backups.newest_proof(None) is None
        performed = await rig.prove()
        assert performed.outcome is Outcome.FAILED
        assert performed.sentence == "there is no copy of settings to prove"
