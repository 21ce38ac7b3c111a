"""Paths of a copy are put in the place of what is there, in one step, with permission; what was there is kept."""

import asyncio
import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from keepwell.ports.fakes import FakeClock
from keepwell.ports.permission import Decision, Deed, Ruling
from keepwell.ports.work import Occasion, Outcome, Performed, Work
from keepwell.rooms.backups.archive import exchange
from tests.backups import NOW, Rig, rig_on
from tests.support import until


class Permits:
    """Gives the decision that a test set, and keeps what it was asked."""

    def __init__(self) -> None:
        self.decision = Decision.GRANTED
        self.asked: list[Deed] = []
        self._told: list[Callable[[str], None]] = []

    async def ask(self, deed: Deed) -> Ruling:
        self.asked.append(deed)
        return Ruling(self.decision, f"it is {self.decision.value}", "somebody")

    def on_decided(self, told: Callable[[str], None]) -> None:
        self._told.append(told)

    def decide(self, decision: Decision) -> None:
        self.decision = decision
        for told in self._told:
            told(self.asked[-1].subject)


async def permitting(rig: Rig) -> Permits:
    permits = Permits()
    rig.permissions = permits
    await rig.restarted()
    return permits


async def recover(rig: Rig, *paths: Path, key: str = "asked/1") -> Performed:
    work = Work("recovery", "settings", {"paths": "\n".join(map(str, paths)), "copy": ""})
    return await rig.room.backups.perform(work, Occasion(key, "tests", NOW))


def kept(path: Path) -> Path:
    (found,) = [one for one in path.parent.iterdir() if one.name.startswith(f"{path.name}.before-")]
    return found


async def test_a_folder_and_a_program_come_back_and_what_was_there_is_kept(tmp_path: Path) -> None:
    async with rig_on(tmp_path) as rig:
        permits = await permitting(rig)
        await rig.run()
        conf, program = rig.source / "conf", rig.source / "big"
        before = sorted(one.name for one in conf.iterdir())
        (conf / "shop.conf").write_text("broken")
        (conf / "more").write_text("new")
        running = program.open("rb")  # a program that runs cannot be written over, and need not be
        program.unlink()
        performed = await recover(rig, conf, program)
        running.close()
        assert performed.outcome is Outcome.DONE, performed.sentence
        assert sorted(one.name for one in conf.iterdir()) == before
        assert (conf / "shop.conf").read_text() == "listen = 3001\n"
        assert conf.stat().st_mode & 0o777 == 0o750
        assert (kept(conf) / "shop.conf").read_text() == "broken"
        assert (kept(conf) / "more").read_text() == "new"
        assert program.stat().st_size == 2_000_000
        assert [one.name for one in rig.source.iterdir() if one.name.startswith(".keepwell")] == []
        assert "is kept beside it" in permits.asked[0].what
        assert (await rig.events())[-1] == "backup.recovered"


async def test_it_waits_for_a_permission_and_goes_on_with_it_over_a_restart(tmp_path: Path) -> None:
    async with rig_on(tmp_path) as rig:
        permits = await permitting(rig)
        permits.decision = Decision.ASKED
        await rig.run()
        conf = rig.source / "conf" / "shop.conf"
        conf.write_text("broken")
        assert (await recover(rig, conf)).outcome is Outcome.WAITING
        assert conf.read_text() == "broken"
        await rig.restarted()
        permits.decide(Decision.GRANTED)

        async def is_back() -> bool:
            return conf.read_text() == "listen = 3001\n"

        await until(is_back, what="the file that was put back")
        assert len({(deed.subject, deed.digest) for deed in permits.asked}) == 1
        assert (await recover(rig, conf)).outcome is Outcome.DONE  # the same occasion: nothing is done again
        assert kept(conf).read_text() == "broken"


@pytest.mark.parametrize(
    ("decision", "path", "outcome", "words"),
    [
        (Decision.FORBIDDEN, "conf", Outcome.REFUSED, "it is forbidden"),
        (Decision.GRANTED, "other", Outcome.FAILED, "holds nothing of"),
        (Decision.GRANTED, "away/there", Outcome.FAILED, "is no folder"),
    ],
)
async def test_what_cannot_be_put_back_leaves_everything_as_it_is(
    tmp_path: Path, decision: Decision, path: str, outcome: Outcome, words: str
) -> None:
    async with rig_on(tmp_path) as rig:
        permits = await permitting(rig)
        permits.decision = decision
        await rig.run()
        before = sorted(os.listdir(rig.source))
        performed = await recover(rig, rig.source / path)
        assert performed.outcome is outcome
        assert words in performed.sentence
        assert sorted(os.listdir(rig.source)) == before


async def test_a_damaged_copy_puts_nothing_back(tmp_path: Path) -> None:
    async with rig_on(tmp_path) as rig:
        await permitting(rig)
        await rig.run()
        archive = rig.newest() / "archive.tar.zst"
        await asyncio.to_thread(os.truncate, archive, 300)
        (rig.source / "conf" / "shop.conf").write_text("broken")
        performed = await recover(rig, rig.source / "conf")
        assert performed.outcome is Outcome.FAILED
        assert "was cut off" in performed.sentence
        assert (rig.source / "conf" / "shop.conf").read_text() == "broken"
        assert sorted(os.listdir(rig.source)) == ["again", "big", "conf", "täg\n1"]


async def test_paths_are_from_the_root(tmp_path: Path) -> None:
    async with rig_on(tmp_path) as rig:
        await permitting(rig)
        await rig.run()
        for path in ("conf", "/"):
            performed = await recover(rig, Path(path), key=path)
            assert "paths from the root" in performed.sentence


async def test_what_was_permitted_is_put_back_also_where_a_newer_copy_came_meanwhile(tmp_path: Path) -> None:
    clock = FakeClock(NOW)
    async with rig_on(tmp_path, clock) as rig:
        permits = await permitting(rig)
        permits.decision = Decision.ASKED
        await rig.run()
        conf = rig.source / "conf" / "shop.conf"
        conf.write_text("broken")
        assert (await recover(rig, conf)).outcome is Outcome.WAITING
        clock.advance(60)
        await rig.run()  # holds what is broken
        permits.decision = Decision.GRANTED
        assert (await recover(rig, conf)).outcome is Outcome.DONE
        assert conf.read_text() == "listen = 3001\n"
        assert len({deed.digest for deed in permits.asked}) == 1


async def test_of_several_paths_all_are_put_back_or_none(tmp_path: Path) -> None:
    async with rig_on(tmp_path) as rig:
        await permitting(rig)
        await rig.run()
        conf, before = rig.source / "conf", sorted(os.listdir(rig.source))
        (conf / "shop.conf").write_text("broken")
        failed = await recover(rig, conf, rig.source / "other", key="1")
        assert failed.outcome is Outcome.FAILED
        assert (conf / "shop.conf").read_text() == "broken"
        assert sorted(os.listdir(rig.source)) == before
        performed = await recover(rig, conf, conf / "shop.conf", conf, key="2")  # one inside of the other, and one twice
        assert performed.outcome is Outcome.DONE, performed.sentence
        assert (conf / "shop.conf").read_text() == "listen = 3001\n"
        assert (kept(conf) / "shop.conf").read_text() == "broken"


async def test_what_cannot_be_exchanged_leaves_nothing_beside_and_says_what_was_done(tmp_path: Path) -> None:
    async with rig_on(tmp_path) as rig:
        await permitting(rig)
        await rig.run()
        conf, big = rig.source / "conf", rig.source / "big"
        taken = big.with_name("big.before-20260302T010000.000Z")
        taken.write_text("mine")
        failed = await recover(rig, conf, big)
        assert failed.outcome is Outcome.FAILED
        assert f"{big} cannot be put back: " in failed.sentence
        assert f"before that, {conf} is as it was" in failed.sentence
        assert kept(conf).is_dir()
        assert taken.read_text() == "mine"
        assert [one.name for one in rig.source.iterdir() if one.name.startswith(".keepwell")] == []


async def test_where_nothing_can_be_renamed_any_more_what_was_there_is_not_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a disk that fails between the steps of an exchange."""
    real, renamed = exchange._rename, []

    def failing(old: Path, new: Path, flags: int) -> None:
        renamed.append(new)
        if len(renamed) > 1:
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(new))
        real(old, new, flags)

    async with rig_on(tmp_path) as rig:
        await permitting(rig)
        await rig.run()
        program = rig.source / "big"
        program.write_bytes(b"what was there")
        monkeypatch.setattr(exchange, "_rename", failing)
        done = await recover(rig, program)
        assert (done.outcome, len(renamed)) == (Outcome.FAILED, 3)
        (left,) = [one for one in rig.source.rglob("big") if one != program]
        assert left.read_bytes() == b"what was there"
        assert f"what was there lies in {left}" in done.sentence
