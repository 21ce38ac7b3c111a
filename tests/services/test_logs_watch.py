"""Lines that are counted as they come: each once, through renames, compression, and other lives of the server."""

import gzip
from pathlib import Path

from tests.logs_room import Rig, room_on
from tests.logs_writer import pause, writing

POLICY = """\
  shop:
    paths: ["{folder}/*.log"]
    rotate: {{keep: 30, compress: at once, archive: archive, reopen: HUP, release: 5s}}
    watch: [{{name: errors, pattern: "ERROR|FATAL"}}, {{pattern: "no such words"}}]
"""


async def test_every_line_is_counted_once_through_rotations(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    folder.mkdir()
    (folder / "app.log").write_text("line 0 ERROR from before\n")
    async with room_on(tmp_path, POLICY.format(folder=folder)) as rig:
        await look(rig)
        with writing(folder / "app.log", 20_000) as writer:
            for _ in range(4):
                await look(rig)
                assert (await rig.do("rotation", "shop")).outcome.value == "done"
                pause(0.1)
            written = writer.end()
        await rig.room.watching.catch_up("shop")
        assert rig.room.watching.counted() == {("shop", "lines"): written, ("shop", "errors"): written, ("shop", "no such words"): 0}
        await rig.room.end()
        newest = {(sample.name, sample.labels.get("watch", "")): sample.value for sample in rig.samples.samples}
        assert newest == {
            ("log_lines_total", ""): written,
            ("log_matches_total", "errors"): written,
            ("log_matches_total", "no such words"): 0,
        }


async def test_another_life_goes_on_where_the_last_one_stored(tmp_path: Path, database_place: Path | str) -> None:
    folder = tmp_path / "log"
    folder.mkdir()
    log = folder / "app.log"
    log.write_text("old ERROR\n")
    async with room_on(tmp_path, POLICY.format(folder=folder), database_place) as rig:
        await look(rig)
        append(log, "one ERROR\nhalf of an ERR")
        await look(rig)
        assert rig.room.watching.counted()["shop", "lines"] == 1
    # Nobody reads: the line is ended, the file renamed twice, another one begun.
    append(log, "OR\ntwo INFO\n")
    log.rename(folder / "app.log.2")
    (folder / "app.log.1").write_text("three ERROR\nfour ERROR without an end")
    log.write_text("five ERROR\n")
    (folder / "new.log").write_text("six FATAL\n")
    async with room_on(tmp_path, POLICY.format(folder=folder).replace("archive: archive, ", ""), database_place) as rig:
        await rig.room.watching.catch_up("shop")
        assert rig.room.watching.counted() == {("shop", "lines"): 7, ("shop", "errors"): 6, ("shop", "no such words"): 0}


async def test_a_packed_file_is_read_on_and_one_that_was_cut_is_said(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    policy = f"  shop:\n    paths: ['{tmp_path}/*.log']\n    watch: [{{name: errors, pattern: ERROR}}]\n"
    async with room_on(tmp_path, policy) as rig:
        await look(rig)
        log.write_text("one ERROR\n" * 10)
        await look(rig)
        log.write_text("one ERROR\n")
        await look(rig)
        assert rig.room.watching.counted()["shop", "errors"] == 11
        assert "was cut to nothing" in rig.room.watching.faults()[0]
        (tmp_path / "app.log.1.gz").write_bytes(gzip.compress(log.read_bytes()))
        (tmp_path / "fresh").write_text("two ERROR\n")
        (tmp_path / "fresh").rename(log)
        await rig.room.watching.catch_up("shop")
        assert rig.room.watching.counted()["shop", "errors"] == 12


async def test_a_new_file_with_the_inode_of_the_old_one_is_read_from_its_beginning(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    policy = f"  shop:\n    paths: ['{tmp_path}/*.log']\n    watch: [{{name: errors, pattern: ERROR}}]\n"
    async with room_on(tmp_path, policy) as rig:
        await look(rig)
        log.write_text("one ERROR\n" * 3)
        await look(rig)
        # As a file system may do it: another file, the same number.
        log.write_text("another ERROR\n" * 4)
        await look(rig)
        assert rig.room.watching.counted()["shop", "errors"] == 7
        assert "was replaced by another file" in rig.room.watching.faults()[0]


async def look(rig: Rig) -> None:
    """One look, as the engine would start it."""
    for job in rig.room.watching.take_due(rig.room.watching.next_due() or 0.0):
        await job.run()


def append(path: Path, text: str) -> None:
    """Adds to a file."""
    with path.open("a") as file:
        file.write(text)


async def test_what_stood_in_a_file_before_its_pattern_was_watched_is_not_counted(tmp_path: Path, database_place: Path | str) -> None:
    first, second, third = (tmp_path / name for name in ("a.log", "b.log", "sub/c.log"))
    third.parent.mkdir()
    first.write_text("ERROR\n")
    third.write_text("ERROR\n" * 5)
    watch = "watch: [{name: errors, pattern: ERROR}]"
    async with room_on(tmp_path, f"  shop: {{paths: ['{tmp_path}/*.log'], {watch}}}\n", database_place) as rig:
        await look(rig)
    # A file that came while nobody looked, and a pattern that was added: only the first is read from its beginning.
    second.write_text("ERROR\n" * 3)
    async with room_on(tmp_path, f"  shop: {{paths: ['{tmp_path}/*.log', '{third}'], {watch}}}\n", database_place) as rig:
        await look(rig)
        assert rig.room.watching.counted()["shop", "errors"] == 3
        with third.open("a") as file:
            file.write("ERROR\n")
        await rig.room.watching.catch_up("shop")
        assert rig.room.watching.counted()["shop", "errors"] == 4
