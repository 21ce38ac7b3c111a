"""Questions to log files, in a process of its own: what the manual's awk lines got wrong is right here, and no line is lost."""

import gzip
from pathlib import Path

from keepwell.ports.work import Outcome
from keepwell.rooms.logs.store import KEPT_FULL, newest
from tests.logs_room import Rig, room_on

METRICS = """\
[2026-01-01 08:00:00] CPU: 5.0%, Memory: 100.0MB, Response: 10ms, Connections: 3
[2026-01-01 08:05:00] CPU: 6.0%, Memory: 200.0MB, Response: 20ms, Connections: 5
[2026-01-01 08:05:00] WARNING - High memory usage: 200.0MB
[2026-01-01 08:10:00] CPU: 7.0%, Memory: 300.0MB, Response: 30ms, Connections: 4
"""


async def answer(rig: Rig, question: str) -> dict[str, object]:
    """The answer to one question."""
    performed = await rig.do("analysis", f"shop/{question}")
    stored = await rig.room.newest(f"shop/{question}", "analysis")
    assert stored is not None
    return {**stored["details"][0], "outcome": performed.outcome}


async def test_statistics_take_the_labelled_number_only(tmp_path: Path) -> None:
    (tmp_path / "metrics.log").write_text(METRICS)
    policy = f"""\
  shop:
    paths: [{tmp_path}/metrics.log]
    analyse:
      - {{name: memory, in: {tmp_path}/metrics.log, ask: statistics, figure: Memory}}
      - {{name: response, in: {tmp_path}/metrics.log, ask: statistics, figure: Response}}
      - {{name: nothing, in: {tmp_path}/metrics.log, ask: statistics, figure: Absent}}
"""
    async with room_on(tmp_path, policy) as rig:
        memory = await answer(rig, "memory")
        assert memory["figures"] == {"count": 3, "mean": 200.0, "min": 100.0, "max": 300.0, "p50": 200.0, "p95": 300.0, "p99": 300.0}
        assert memory["unit"] == "MB"
        assert memory["rejected"] == {"without Memory": 1}
        assert (await answer(rig, "response"))["figures"]["mean"] == 20.0  # type: ignore[index]
        assert (await answer(rig, "nothing"))["sentence"] == "no line has a number behind Absent"


async def test_a_span_reaches_into_rotated_and_compressed_files(tmp_path: Path) -> None:
    day = "[2025-12-31 {:02}:00:00] ERROR - audio device {} lost\n"
    (tmp_path / "error.log.2.gz").write_bytes(gzip.compress("".join(day.format(hour, hour) for hour in range(12)).encode()))
    (tmp_path / "error.log.1").write_text("".join(day.format(hour, hour) for hour in range(12, 24)))
    (tmp_path / "error.log").write_text("  a line that goes on\n[2026-01-01 00:00:00] FATAL - out of memory\n")
    policy = f"""\
  shop:
    paths: ["{tmp_path}/*.log"]
    analyse:
      - {{name: kinds, in: {tmp_path}/error.log, ask: top, by: message, over: 6h}}
      - {{name: fields, in: {tmp_path}/error.log, ask: top, by: field 4}}
      - {{name: count, in: {tmp_path}/error.log, ask: count, pattern: "(?i)audio|sound", over: 16h}}
      - {{name: last, in: {tmp_path}/error.log, ask: search, pattern: ERROR, without: ["device 23"], last: 2}}
"""
    async with room_on(tmp_path, policy) as rig:
        # The occasion is the first instant of 2026.
        kinds = await answer(rig, "kinds")
        assert kinds["rows"] == [["ERROR - audio device # lost", 6], ["FATAL - out of memory", 1]]
        assert [Path(path).name for path in kinds["files"]] == ["error.log.1", "error.log"]  # type: ignore[attr-defined]
        assert kinds["rejected"] == {"without a time": 1}
        fields = await answer(rig, "fields")
        assert fields["rows"][0] == ["-", 25]  # type: ignore[index]
        assert (await answer(rig, "count"))["figures"] == {"count": 16}
        assert (await answer(rig, "last"))["rows"] == [day.format(21, 21).strip(), day.format(22, 22).strip()]


async def test_bad_bytes_quotes_and_endless_lines_lose_no_other_line(tmp_path: Path) -> None:
    good = [f'1.2.3.4 - - [01/Jan/2026:00:00:0{n} +0000] "GET /{n}" status={200 + n} 12\r\n'.encode() for n in range(5)]
    content = [
        *good,
        b'1.2.3.4 "unbalanced status=500\n',
        b"\xff\xfe broken status=501\n",
        b"x" * 3_000_000 + b"\n",
        b"\x00 status=502\n",
        b"no end status=503",
    ]
    (tmp_path / "access.log").write_bytes(b"".join(content))
    policy = f"""\
  shop:
    paths: ["{tmp_path}/*.log"]
    analyse:
      - {{name: status, in: {tmp_path}/access.log, ask: top, by: status, last: 20}}
      - {{name: all, in: {tmp_path}/access.log, ask: count}}
      - {{name: gone, in: {tmp_path}/gone.log, ask: count}}
      - {{name: sum, in: {tmp_path}/access.log, ask: statistics}}
"""
    async with room_on(tmp_path, policy) as rig:
        status = await answer(rig, "status")
        assert sorted(row[0] for row in status["rows"]) == ["200", "201", "202", "203", "204", "500", "501", "502", "503"]  # type: ignore[attr-defined]
        assert status["rejected"] == {"without what it is counted by": 1, "undecodable": 1, "cut": 1}
        assert (await answer(rig, "all"))["figures"] == {"count": 10}
        gone = await answer(rig, "gone")
        assert gone["outcome"] is Outcome.FAILED
        assert gone["fault"] == f"{tmp_path}/gone.log does not exist"
        assert "add figure" in str((await answer(rig, "sum"))["fault"])


async def test_a_damaged_rotated_file_is_said_and_the_others_are_answered(tmp_path: Path) -> None:
    (tmp_path / "app.log.2.gz").write_bytes(gzip.compress(b"one\n" * 1000)[:-20])
    (tmp_path / "app.log.1").write_text("two\n")
    (tmp_path / "app.log").write_text("three\n")
    policy = f"  shop:\n    paths: ['{tmp_path}/*.log']\n    analyse: [{{name: all, in: {tmp_path}/app.log, ask: count}}]\n"
    async with room_on(tmp_path, policy) as rig:
        found = await answer(rig, "all")
        assert found["outcome"] is Outcome.FAILED
        assert "app.log.2.gz cannot be read to its end" in str(found["fault"])
        assert found["lines"] >= 2  # type: ignore[operator]


async def test_secrets_in_lines_are_not_kept(tmp_path: Path) -> None:
    (tmp_path / "app.log").write_text("connecting to postgresql://shop:hunter2@db/shop password=hunter2\n" * 3)
    policy = f"""\
  shop:
    paths: ["{tmp_path}/*.log"]
    analyse: [{{name: last, in: {tmp_path}/app.log, ask: search}}, {{name: lines, in: {tmp_path}/app.log, ask: top, by: line}}]
"""
    async with room_on(tmp_path, policy) as rig:
        performed = await rig.do("analysis", "shop")
        stored = await rig.room.newest("shop", "analysis")
        assert stored is not None
        assert stored["details"][0]["figures"] == {"count": 3}
        assert "hunter2" not in f"{performed} {stored}"


async def test_old_answers_keep_their_figures_only(tmp_path: Path) -> None:
    (tmp_path / "app.log").write_text("one\n")
    policy = f"  shop:\n    paths: ['{tmp_path}/*.log']\n    rotate: {{keep: 1}}\n"
    async with room_on(tmp_path, policy) as rig:
        for number in range(KEPT_FULL + 3):
            (tmp_path / "app.log").write_text("one\n")
            await rig.do("rotation", "shop", str(number))
        found = await rig.database.read(lambda connection: newest(connection, "rotation", "shop", 100))
    assert [bool(done.details) for done in found] == [True] * KEPT_FULL + [False] * 3
    assert {done.performed.facts["rotated"] for done in found} == {1}
