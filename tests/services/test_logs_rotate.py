"""Rotation by renaming, with real writers: no line is lost, none doubled."""

from pathlib import Path

from keepwell.ports.work import Outcome
from tests.logs_room import room_on
from tests.logs_writer import numbers_in, pause, writing


async def test_no_line_is_lost_through_renames_and_compression(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    folder.mkdir()
    rotate = "{keep: 30, compress: after 1, create: '640', archive: archive, reopen: HUP}"
    policy = f"  shop:\n    paths: ['{folder}/*.log']\n    rotate: {rotate}\n"
    async with room_on(tmp_path, policy) as rig:
        with writing(folder / "app.log", 20_000) as writer:
            for _ in range(5):
                writer.wrote()
                performed = await rig.do("rotation", "shop")
                assert performed.outcome is Outcome.DONE, performed.sentence
                pause(0.1)
            written = writer.end()
    assert numbers_in(folder, "app.log") == list(range(written))
    names = sorted(path.name for path in (folder / "archive").iterdir())
    assert names == ["app.log.1", "app.log.2.gz", "app.log.3.gz", "app.log.4.gz", "app.log.5.gz"]
    assert (folder / "app.log").stat().st_mode & 0o777 == 0o640
