"""Logs where something is odd: shared archives, writers that hold on, links, quiet files, interruptions, and who may ask for what."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from keepwell.ports.work import Outcome
from keepwell.rooms.logs.files.listing import live_files
from keepwell.rooms.logs.files.rotating import set_aside, tidy, wait_for_release
from keepwell.rooms.logs.model import Rotate
from tests.logs_room import room_on
from tests.logs_writer import numbers_in, writing
from tests.runs_served import running
from tests.serving import keepwell


async def test_files_of_one_name_do_not_share_an_archive(tmp_path: Path) -> None:
    for place in "ab":
        (tmp_path / place).mkdir()
        (tmp_path / place / "app.log").write_text(f"a line of {place}\n")
    paths = f"paths: ['{tmp_path}/a/app.log', '{tmp_path}/b/app.log']"
    async with room_on(tmp_path, f"  shop: {{{paths}, rotate: {{keep: 1, archive: {tmp_path}/archive}}}}\n") as rig:
        performed = await rig.do("rotation", "shop")
        assert performed.outcome is Outcome.FAILED
        assert "a/app.log and " in performed.sentence
        assert "would have the same names in the one archive, so neither is rotated" in performed.sentence
    assert [(tmp_path / place / "app.log").read_text() for place in "ab"] == ["a line of a\n", "a line of b\n"]


async def test_two_policies_do_not_push_the_files_of_each_other_out_of_one_archive(tmp_path: Path) -> None:
    policies = ""
    for place in "ab":
        (tmp_path / place).mkdir()
        (tmp_path / place / "app.log").write_text(f"a line of {place}\n")
        policies += f"  {place}: {{paths: ['{tmp_path / place}/*.log'], rotate: {{keep: 1, archive: '{tmp_path}/kept'}}}}\n"
    async with room_on(tmp_path, policies) as rig:
        for place in "ab":
            performed = await rig.do("rotation", place)
            assert performed.outcome is Outcome.FAILED
            assert "would have the same names in the one archive, so neither is rotated" in performed.sentence
    assert [(tmp_path / place / "app.log").read_text() for place in "ab"] == ["a line of a\n", "a line of b\n"]


async def test_what_is_still_written_to_is_not_removed(tmp_path: Path) -> None:
    file = tmp_path / "app.log"
    file.write_text("one\n")
    async with room_on(tmp_path, f"  shop: {{paths: ['{file}'], rotate: {{keep: 0, release: 100ms}}}}\n") as rig:
        with file.open("a") as writer:
            assert (await rig.do("rotation", "shop")).outcome is Outcome.FAILED
            writer.write("two\n")
        assert (tmp_path / "app.log.1").read_text() == "one\ntwo\n"
        file.write_text("three\n")
        assert (await rig.do("rotation", "shop")).sentence == "1 file rotated, 2 removed"


async def test_what_was_rotated_of_a_quiet_file_gets_older_too(tmp_path: Path) -> None:
    file = tmp_path / "app.log"
    file.touch()
    for number, age in ((1, 1), (2, 40 * 86_400)):
        rotated = tmp_path / f"app.log.{number}"
        rotated.write_text("words\n")
        os.utime(rotated, (time.time() - age,) * 2)
    async with room_on(tmp_path, f"  shop: {{paths: ['{file}'], rotate: {{max_age: 30d, compress: at once}}}}\n") as rig:
        assert (await rig.do("rotation", "shop")).sentence == "nothing to rotate, 2 compressed, 1 removed"
        assert (await rig.do("rotation", "shop")).sentence == "nothing to rotate: no file of logs.shop has any content"
    assert sorted(name for name in os.listdir(tmp_path) if name.startswith("app.log")) == ["app.log", "app.log.1.gz"]


async def test_a_link_that_is_named_is_said(tmp_path: Path) -> None:
    (tmp_path / "real.log").write_text("a line\n")
    link = tmp_path / "app.log"
    link.symlink_to(tmp_path / "real.log")
    keys = f"paths: ['{link}'], rotate: {{keep: 3}}, watch: [{{pattern: x}}], analyse: [{{name: all, in: '{link}', ask: count}}]"
    async with room_on(tmp_path, f"  shop: {{{keys}}}\n") as rig:
        said = f"{link} is a link, and links are not followed: name the file itself"
        assert (await rig.do("rotation", "shop")).sentence == said
        assert (await rig.do("analysis", "shop")).sentence == f"all: {said}"
        await rig.room.watching.catch_up("shop")
        assert rig.room.watching.faults() == [said]


async def test_a_process_that_is_gone_is_not_said_to_have_no_handler(tmp_path: Path) -> None:
    (tmp_path / "app.log").write_text("a line\n")
    (tmp_path / "pid").write_text(f"{2**22 + 1}\n")
    rotate = f"rotate: {{reopen: HUP, pid_file: '{tmp_path}/pid'}}"
    async with room_on(tmp_path, f"  shop: {{paths: ['{tmp_path}/app.log'], {rotate}}}\n") as rig:
        sentence = f"{tmp_path}/pid names the process {2**22 + 1}, which does not run: SIGHUP went to nobody"
        assert (await rig.do("rotation", "shop")).sentence == sentence


async def test_an_analysis_and_a_rotation_at_once_leave_no_file_out(tmp_path: Path) -> None:
    for number in (2, 1):
        (tmp_path / f"app.log.{number}").write_text("old\n" * 10)
    keys = f"rotate: {{keep: 9}}, analyse: [{{name: all, in: '{tmp_path}/app.log', ask: count}}]"
    async with room_on(tmp_path, f"  shop: {{paths: ['{tmp_path}/app.log'], {keys}}}\n") as rig:
        for count in (30, 31):
            (tmp_path / "app.log").write_text("new\n" * (10 if count == 30 else 1))
            counted, rotated = await asyncio.gather(rig.do("analysis", "shop"), rig.do("rotation", "shop"))
            assert (counted.sentence, rotated.outcome) == (f"all: {count} lines", Outcome.DONE)


async def test_what_another_program_compressed_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "app.log").write_text("one\n")
    (tmp_path / "app.log-20260101.zst").write_bytes(b"(\xb5/\xfd\n\n\n")
    questions = f"{{name: all, in: '{tmp_path}/app.log', ask: count}}, {{name: odd, in: '{tmp_path}/app.log', ask: top, by: field x}}"
    async with room_on(tmp_path, f"  shop: {{paths: ['{tmp_path}/app.log'], analyse: [{questions}]}}\n") as rig:
        assert "it is compressed by another program than gzip" in (await rig.do("analysis", "shop/all")).sentence
        stored = await rig.room.newest("shop/all", "analysis")
        assert stored is not None
        assert stored["facts"] == {"all.count": 1.0}
        assert (await rig.do("analysis", "shop/odd")).sentence.startswith("odd: there are no field x: fields are counted from 1")


async def test_a_number_with_a_comma_among_its_digits_is_left_out_and_said(tmp_path: Path) -> None:
    (tmp_path / "m.log").write_text('Memory: 1,234MB\nMemory: 12MB\n{"Memory":14,"other":1}\n')
    question = f"{{name: memory, in: '{tmp_path}/m.log', ask: statistics, figure: Memory}}"
    async with room_on(tmp_path, f"  shop: {{paths: ['{tmp_path}/m.log'], analyse: [{question}]}}\n") as rig:
        await rig.do("analysis", "shop/memory")
        stored = await rig.room.newest("shop/memory", "analysis")
        assert stored is not None
        assert stored["details"][0]["rejected"]["with a comma in Memory"] == 1
        assert stored["details"][0]["figures"]["max"] == 12.0


def _killed_once_renamed(folder: Path) -> None:
    """Rotates, and is killed at one moment after the other until the file has its new name."""
    key, moment = "logs/shop/size/1", 1
    argv = [sys.executable, "-m", "tests.faults.logs_killed", str(folder / "ops"), str(folder / "keepwell.sqlite"), key]
    while not (folder / "log" / "app.log.1").exists():
        killed = subprocess.run([*argv, str(moment)], timeout=60, check=False, capture_output=True)
        assert killed.returncode == -signal.SIGKILL
        moment += 1


async def test_a_rotation_that_nobody_else_would_finish_goes_on(tmp_path: Path) -> None:
    """Killed after the file was renamed and before its writer was told: it would write to the old one for ever."""
    log = tmp_path / "log"
    log.mkdir()
    keys = f"    paths: ['{log}/app.log']\n    rotate: {{keep: 3, reopen: HUP, release: 10s}}\n"
    (tmp_path / "ops").mkdir()
    (tmp_path / "ops" / "keepwell.yaml").write_text(f"keepwell: 1\nservice: shop\nlogs:\n  shop:\n{keys}")
    with writing(log / "app.log", 500) as writer:
        writer.wrote()
        _killed_once_renamed(tmp_path)
        assert not (log / "app.log").exists()
        async with room_on(tmp_path, f"  shop:\n{keys}") as rig:
            jobs = [job for activity in rig.room.activities for job in activity.take_due(activity.next_due() or 0.0)]
            for job in jobs:
                await job.run()
            done = await rig.room.newest("shop")
            assert done is not None
            assert (done["key"], done["outcome"]) == ("logs/shop/size/1", "done")
        writer.wrote()
        assert numbers_in(log, "app.log") == list(range(writer.end()))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes two other users")
def test_who_cannot_tell_whether_a_file_is_written_to_does_not_compress_it(tmp_path: Path) -> None:
    """The writer and whoever rotates are two users, and neither sees what the other has open."""
    folder = Path(subprocess.run(["mktemp", "-d"], capture_output=True, text=True, check=True).stdout.strip())
    folder.chmod(0o777)
    file = folder / "app.log"
    file.write_text("one\n")
    os.chown(file, 60_001, 60_001)
    try:
        with file.open("a") as writer:
            child = os.fork()
            if child == 0:
                writer.close()
                os._exit(0 if _stays(folder) else 1)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert (folder / "app.log.1").read_text() == "one\n"
    finally:
        subprocess.run(["rm", "-r", str(folder)], check=True)


def _stays(folder: Path) -> bool:
    """Whether another user renames the file and leaves it as it is, and says why."""
    try:
        os.setgroups([])
        os.setgid(60_002)
        os.setuid(60_002)
        (live,) = live_files([f"{folder}/app.log"]).files
        rotate = Rotate(pack_after=0)
        set_aside(live, rotate)
        wait_for_release(str(folder), "app.log", "", live.identity, 0.1)
        (step,) = tidy(str(folder), "app.log", rotate, time.time())
        return step.did == "failed" and "this user cannot tell whether somebody still writes to it" in step.why
    except BaseException as error:  # the copy of the test must not go on
        print(error, file=sys.stderr)
        return False


def test_nobody_permits_to_themselves_what_they_asked_for_in_anothers_name(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.mkdir()
    old = log / "app.old"
    old.touch()
    os.utime(old, (1, 1))
    settings = f"policy: {{destructive: approve}}\nlogs:\n  shop: {{clean: [{{under: {log}, names: '*.old', older_than: 1d}}]}}\n"
    with running(tmp_path, {}, settings) as runs:
        data = ("--data", str(runs.data))
        assert keepwell("logs", "clean", "shop", "--by", "colleague", *data).returncode == 1
        wish = json.loads(keepwell("runs", "approvals", *data, "--json").stdout)["approvals"][0]
        assert wish["asked_by"] == "root"
        assert wish["subject"] in keepwell("runs", "approvals", *data).stdout
        mine = keepwell("runs", "approve", wish["subject"], *data)
        assert (mine.returncode, "somebody else has to approve it" in mine.stderr) == (2, True), mine.stderr
        assert old.exists()
        assert keepwell("runs", "approve", wish["subject"], "--deny", *data).returncode == 0
        assert "denied" in keepwell("logs", "clean", "shop", *data).stdout
