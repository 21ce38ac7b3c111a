"""A server that was killed in the middle of a backup or a proof goes on with the same occasion after its next start."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from keepwell.composition import verbs
from keepwell.config.acceptance import accept_in
from keepwell.machine.clock import SystemClock
from keepwell.ports.work import Occasion, Outcome, Work
from keepwell.rooms.backups import store
from keepwell.rooms.backups.archive.signing import signer_in
from keepwell.rooms.backups.archive.writing import Means, Wanted, write_copy
from keepwell.rooms.backups.work.repositories import repository_of
from tests.backups import NOW, Rig, rig_on
from tests.support import need, until

OCCASION = Occasion("tasks/backups/settings/1", "tasks/backups/settings", NOW)


async def cut_off(rig: Rig, kind: str = "backup") -> None:
    """What a killed server leaves: a run that is said to be under way."""
    await rig.database.write(lambda connection: store.begin(connection, Work(kind, "settings"), OCCASION, NOW))


def finished(rig: Rig) -> None:
    """The copy of that occasion, complete, as it lies there when the kill came before it was recorded."""
    backup = rig.room.backups.known("settings")
    assert backup.source is not None
    assert backup.source.seen is not None
    wanted = Wanted("settings", "shop", "local", "tests", OCCASION.key, {}, backup.source.seen(backup.settings, ()))
    write_copy(repository_of(backup), wanted, Means(lambda: NOW, signer_in(rig.data)))


async def test_a_copy_that_was_finished_before_the_kill_is_taken_and_not_made_again(tmp_path: Path) -> None:
    async with rig_on(tmp_path) as rig:
        await cut_off(rig)
        await asyncio.to_thread(finished, rig)
        await rig.restarted()
        performed = await rig.room.backups.perform(Work("backup", "settings"), OCCASION)
        assert performed.outcome is Outcome.DONE, performed.sentence
        assert len(await rig.copies()) == 1
        assert (await rig.prove()).outcome is Outcome.DONE


async def test_one_that_was_not_finished_is_made_and_what_it_left_goes(tmp_path: Path) -> None:
    async with rig_on(tmp_path) as rig:
        await cut_off(rig)
        left = rig.repository / "settings" / ".unfinished-20260302T010000.000Z-0a1b2c3d"
        left.mkdir(parents=True)
        (left / "archive.tar.zst").write_bytes(b"half")
        await rig.restarted()
        performed = await rig.room.backups.perform(Work("backup", "settings"), OCCASION)
        assert performed.outcome is Outcome.DONE
        assert not left.exists()
        assert len(await rig.copies()) == 1


async def test_a_proof_that_was_cut_off_is_made_and_its_scratch_folder_goes(tmp_path: Path) -> None:
    async with rig_on(tmp_path) as rig:
        await rig.run()
        await cut_off(rig, "proof")
        left = rig.data / "scratch" / "proof-17" / "closed"
        left.mkdir(parents=True)
        left.chmod(0o000)
        await rig.restarted()
        assert not left.parent.exists()
        performed = await rig.room.backups.perform(Work("proof", "settings"), OCCASION)
        assert performed.outcome is Outcome.DONE, performed.sentence


async def test_what_retention_had_decided_before_the_kill_is_done_after_it(tmp_path: Path) -> None:
    async with rig_on(tmp_path) as rig:
        await rig.run()
        (copy,) = await rig.copies()
        gone = store.gone(copy, NOW, "outside of keep: days 3")
        await rig.database.write(lambda connection: store.put(connection, gone))
        await rig.restarted()
        assert not (rig.repository / "settings" / copy.id).exists()
        assert [one.gone_at for one in await rig.copies()] == [NOW]


async def test_a_server_that_is_stopped_leaves_no_half_copy_and_goes_on_later(tmp_path: Path) -> None:
    async with rig_on(tmp_path) as rig:
        (rig.source / "many").mkdir()
        for number in range(2000):
            (rig.source / "many" / str(number)).write_bytes(b"x" * 2000)
        making = asyncio.create_task(rig.room.backups.perform(Work("backup", "settings"), OCCASION))

        async def begun() -> bool:
            return bool(list(rig.repository.glob("settings/.unfinished-*")))

        await until(begun, what="a copy that is being written")
        await rig.restarted()
        assert (await making).outcome is Outcome.FAILED
        assert not list(rig.repository.glob("settings/.unfinished-*"))
        assert not list(rig.repository.glob("settings/2*"))
        performed = await rig.room.backups.perform(Work("backup", "settings"), OCCASION)
        assert performed.outcome is Outcome.DONE
        assert performed.facts["files"] == 2004


SERVICE = """\
import http.server, json, os, pathlib
root = pathlib.Path(os.environ["KEEPWELL_RESTORED"] + SOURCE)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        good = "3001" in (root / "conf/shop.conf").read_text()
        body = json.dumps({"status": "healthy" if good else "lost"}).encode()
        self.send_response(200); self.send_header("content-length", str(len(body))); self.end_headers(); self.wfile.write(body)
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["KEEPWELL_PORT"])), Handler).serve_forever()
"""
STARTED = """\
  settings:
    files: {{{{paths: [{{source}}]}}}}
    to: here
    prove:
      questions: [{{{{command: 'test -s "$KEEPWELL_RESTORED"{source}/conf/shop.conf && echo here', holds: here}}}}]
      start: {{{{run: 'exec {python} "$KEEPWELL_RESTORED"{source}/service.py', checks: [health], within: {within}}}}}
"""
CHECKS = """\
targets: {api: {url: "http://127.0.0.1:1"}}
checks:
  health: {http: {target: api, path: /health, expect: {json.status: healthy}}, every: 30s}
"""


@pytest.mark.parametrize(("content", "within", "words"), [("3001", "30s", "health ok"), ("80", "1s", "was not ok within 1s: health")])
async def test_the_service_is_started_from_the_copy_and_its_checks_look_at_it(
    tmp_path: Path, content: str, within: str, words: str
) -> None:
    need("bash")
    async with rig_on(tmp_path, SystemClock()) as rig:
        (rig.source / "service.py").write_text(SERVICE.replace("SOURCE", repr(str(rig.source))))
        (rig.source / "conf" / "shop.conf").write_text(f"listen = {content}\n")
        rig.configure(STARTED.format(source=rig.source, python=sys.executable, within=within), rest=CHECKS)
        await rig.reload()
        await rig.run()
        refused = await rig.prove()
        assert refused.outcome is Outcome.FAILED
        assert "backups/settings/question-1 may not run: nobody accepted it yet" in refused.sentence
        texts = verbs.executables(str(tmp_path / "ops"), verbs.effective_user())
        assert [one.name for one in texts] == ["backups/settings/question-1", "backups/settings/start"]
        accept_in(tmp_path / "ops", texts, "tests", NOW)
        await rig.reload()
        performed = await rig.prove()
        assert words in performed.sentence, performed.sentence
        assert (performed.outcome is Outcome.DONE) is (content == "3001")
        if performed.outcome is Outcome.DONE:
            assert 0 < performed.facts["recovery_seconds"] < 60


async def test_a_service_that_ended_is_not_proven_by_whatever_else_answers(tmp_path: Path) -> None:
    need("bash")
    process = tmp_path / "process"

    async def has_ended() -> bool:
        text = process.read_text() if process.exists() else ""
        return text.endswith("\n") and not os.path.exists(f"/proc/{text.strip()}")  # noqa: ASYNC240 (a look at one name)

    async def healthy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers as a service that is well, and only once the one that was started from the copy has ended."""
        await reader.readuntil(b"\r\n\r\n")
        await until(has_ended, what="the end of what was started")
        await asyncio.sleep(1)  # who started it hears of its end a moment later
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
        writer.close()

    async with rig_on(tmp_path, SystemClock()) as rig:
        service = await asyncio.start_server(healthy, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{service.sockets[0].getsockname()[1]}"
        start = f"{{{{run: 'echo $$ > {process}; exit 3', checks: [health], within: 60s, url: '{url}'}}}}"
        checks = CHECKS.replace("json.status: healthy", "status: 200")
        rig.configure(f"  settings: {{{{files: {{{{paths: [{rig.source}]}}}}, to: here, prove: {{{{start: {start}}}}}}}}}\n", rest=checks)
        accept_in(tmp_path / "ops", verbs.executables(str(tmp_path / "ops"), verbs.effective_user()), "tests", NOW)
        await rig.reload()
        await rig.run()
        performed = await rig.prove()
        service.close()
        assert "the service started from the copy ended with status 3" in performed.sentence


async def test_a_recovery_that_was_cut_off_says_where_everything_may_lie(tmp_path: Path) -> None:
    async with rig_on(tmp_path) as rig:
        await cut_off(rig, "recovery")
        await rig.restarted()
        (run,) = await rig.database.read(store.runs)
        assert run.state == store.CUT_OFF
        assert ".keepwell-recovery-INSTANT beside it" in run.sentence
