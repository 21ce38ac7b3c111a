"""Old files are deleted below their folder, and nothing else."""

import os
import time
from pathlib import Path

from keepwell.ports.permission import Decision, Deed, Ruling
from keepwell.ports.work import Outcome
from tests.logs_room import room_on

OLD = time.time() - 40 * 86400


def old(path: Path, content: str = "x") -> Path:
    """A file that nobody changed for forty days."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    os.utime(path, (OLD, OLD))
    return path


async def test_only_old_files_of_the_name_below_the_folder_are_deleted(tmp_path: Path, database_place: Path | str) -> None:
    root, elsewhere = tmp_path / "log" / "shop", tmp_path / "elsewhere"
    gone = [old(root / "app.log.1"), old(root / "deep" / "er" / "app.log.2.gz")]
    kept = [old(root / "app.log"), old(elsewhere / "app.log.1")]
    (root / "app.log.9").write_text("young")
    os.symlink(elsewhere, root / "link")
    os.symlink(elsewhere / "app.log.1", root / "app.log.3")
    os.mkfifo(root / "app.log.4")
    os.utime(root / "app.log.4", (OLD, OLD))
    held = old(root / "app.log.5")
    policy = f"  shop:\n    clean: [{{under: {root}, names: '*.log.*', older_than: 30d}}]\n"
    with held.open("a") as writer:
        async with room_on(tmp_path, policy, database_place) as rig:
            would = await rig.room.would_clean("shop")
            assert sorted(step.path for step in would if step.did == "deleted") == sorted(map(str, gone))
            assert all(path.exists() for path in gone)
            performed = await rig.do("cleanup", "shop", "once")
            assert performed.outcome is Outcome.DONE
            assert performed.facts == {"deleted": 2, "bytes": 2, "kept": 1}
            assert await rig.do("cleanup", "shop", "once") == performed
        writer.write("")
    assert not any(path.exists() for path in gone)
    assert all(path.exists() for path in (*kept, held, root / "app.log.9", root / "app.log.4"))
    assert (root / "app.log.3").is_symlink()


async def test_a_link_on_the_way_is_not_followed(tmp_path: Path) -> None:
    file = old(tmp_path / "real" / "shop" / "app.log.1")
    os.symlink(tmp_path / "real", tmp_path / "alias")
    policy = f"  shop:\n    clean: [{{under: {tmp_path}/alias/shop, names: '*.log.*', older_than: 30d}}]\n"
    async with room_on(tmp_path, policy) as rig:
        performed = await rig.do("cleanup", "shop")
    assert performed.outcome is Outcome.FAILED
    assert "name the folder behind it" in performed.sentence
    assert file.exists()


class OnePerson:
    """Permissions that one person gives, once."""

    def __init__(self) -> None:
        self.given: set[str] = set()
        self.asked: list[Deed] = []

    async def ask(self, deed: Deed, /) -> Ruling:
        self.asked.append(deed)
        granted = deed.subject in self.given
        return Ruling(Decision.GRANTED if granted else Decision.ASKED, "approved" if granted else "waits for a person who approves it")

    def on_decided(self, told: object, /) -> None:
        return


async def test_cleaning_up_waits_for_permission_and_keeps_it(tmp_path: Path) -> None:
    file = old(tmp_path / "log" / "app.log.1")
    policy = f"  shop:\n    clean: [{{under: {tmp_path}/log, names: '*.log.*', older_than: 30d}}]\n"
    async with room_on(tmp_path, policy) as rig:
        person = OnePerson()
        rig.anew(person)
        await rig.begin()
        assert (await rig.do("cleanup", "shop", "monday")).outcome is Outcome.WAITING
        assert file.exists()
        assert person.asked[0].what == f"delete *.log.* below {tmp_path}/log that nobody changed for 30d"
        person.given.add(person.asked[0].subject)
        assert (await rig.do("cleanup", "shop", "monday")).outcome is Outcome.DONE
        assert not file.exists()
        old(file)
        assert (await rig.do("cleanup", "shop", "tuesday")).outcome is Outcome.DONE
        assert {deed.subject for deed in person.asked} == person.given
