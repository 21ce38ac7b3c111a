"""The laboratory's manual, imported and accepted, against the running laboratory: all well, and each fault is seen where it was said."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from keepwell.composition import verbs
from keepwell.config.acceptance import accept_in
from keepwell.demo import offer
from keepwell.demo.laboratory.control import ask_laboratory
from keepwell.demo.laboratory.rendezvous import rendezvous_folder
from keepwell.demo.scenario import Demonstration, demonstration, localised, manual_text
from keepwell.kernel.problems import KeepwellError, UsageError
from keepwell.kernel.states import State
from keepwell.ports.offer import Call
from keepwell.rooms.checks.work.observe import observe
from keepwell.rooms.manual.importing.keep import read_kept
from keepwell.rooms.manual.importing.work import import_file
from tests.support import need

HTTP = {"health", "api-status", "api-system-performance", "api-system-memory"}


async def import_manual(manual: Path, folder: Path, data: Path, every: str) -> int:
    """The verb as the composition root hands it over."""
    return (await import_file(manual, folder, every, verbs.check_problem, data)).counts["checks"]


async def accept(folder: Path) -> int:
    """The verb as the composition root hands it over."""
    texts = verbs.executables(str(folder), verbs.effective_user())
    accept_in(folder, texts, by="demo", at=datetime.now(UTC))
    return len(texts)


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A runtime directory with a path short enough for a Unix socket; temporary folders go to tmp_path."""
    with tempfile.TemporaryDirectory(prefix="kw", dir="/tmp") as folder:
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        monkeypatch.setenv("TMPDIR", str(tmp_path))
        yield Path(folder)


@pytest.fixture
async def ready(runtime: Path) -> AsyncIterator[Demonstration]:
    need("nginx")
    async with demonstration(import_manual, accept) as it:
        yield it


async def change(action: str, fault: str) -> None:
    await ask_laboratory(rendezvous_folder(os.environ, os.geteuid()), {"do": action, "fault": fault})


async def look(ready: Demonstration) -> Mapping[str, tuple[State, str]]:
    """Each check's state and sentence, all looked at once."""
    checks = verbs.load_checks(str(ready.operations))
    async with AsyncExitStack() as stack:
        host = await stack.enter_async_context(verbs.local_host())
        seen = await asyncio.gather(*(observe(check, host, None) for check in checks))
    return {check.name: (observation.state, observation.sentence) for check, observation in zip(checks, seen, strict=True)}


def unwell(seen: Mapping[str, tuple[State, str]]) -> dict[str, State]:
    """The checks that are not ok. How full the disk of this machine is, and how quick its answers, is not the laboratory's doing."""
    return {name: state for name, (state, _) in seen.items() if state is not State.OK and not name.startswith("disk-")}


async def test_each_fault_is_seen_where_it_was_said(ready: Demonstration) -> None:
    assert ready.checks == 8
    http, https = "http-health", "https-health"
    front = {http, https}
    assert unwell(await look(ready)).keys() <= {"health"}, "quick answers may fail a time limit on a busy machine, nothing else"

    await change("break", "audio-broken")
    seen = await look(ready)
    assert seen["health"][0] is State.FAIL
    assert "degraded" in seen["health"][1]
    await change("repair", "audio-broken")

    await change("break", "api-slow")
    assert (await look(ready))["health"][0] is State.FAIL
    await change("repair", "api-slow")

    await change("break", "api-errors")
    seen = await look(ready)
    assert unwell(seen) == dict.fromkeys({*HTTP, *front}, State.FAIL)
    assert "500" in seen["api-status"][1]
    await change("repair", "api-errors")

    await change("break", "api-down")
    seen = await look(ready)
    assert unwell(seen) == dict.fromkeys({*HTTP, *front, "process-tonehoused"}, State.FAIL)
    assert "502" in seen[http][1]
    await change("repair", "api-down")

    await change("break", "certificate-expired")
    seen = await look(ready)
    assert seen[https][0] is State.FAIL
    assert "expired" in seen[https][1]
    assert seen[http][0] is State.OK
    await change("repair", "certificate-expired")

    await change("break", "web-down")
    seen = await look(ready)
    assert {seen[http][0], seen[https][0]} == {State.FAIL}
    assert seen["api-status"][0] is State.OK
    await change("repair", "web-down")

    await change("break", "memory-leak")
    await asyncio.sleep(4)
    assert (await look(ready))["process-tonehoused"][0] is State.FAIL
    await change("repair", "memory-leak")
    await asyncio.sleep(0.5)
    assert unwell(await look(ready)).keys() <= {"health"}


async def test_nothing_is_left_after_it(runtime: Path, tmp_path: Path) -> None:
    async with demonstration(import_manual, accept, front=False) as ready:
        assert not ready.has_front
        assert ready.checks == 6
        assert ready.root.is_relative_to(tmp_path)
        kept = read_kept(ready.data, ready.operations)
        assert kept is not None, "the living manual has nothing to show"
        assert kept.manual.startswith(b"# Tonehouse")
        assert (await look(ready))["process-tonehoused"][0] is State.OK
    assert os.listdir(tmp_path) == os.listdir(runtime) == []


async def test_nothing_is_left_when_it_cannot_be_prepared(runtime: Path, tmp_path: Path) -> None:
    async def fail(manual: Path, folder: Path, data: Path, every: str) -> int:
        raise UsageError("no")

    with pytest.raises(UsageError):
        async with demonstration(fail, accept, front=False):
            pytest.fail("it must not come so far")
    assert os.listdir(tmp_path) == os.listdir(runtime) == []


async def test_a_second_demonstration_is_refused(runtime: Path) -> None:
    async with demonstration(import_manual, accept, front=False):
        with pytest.raises(KeepwellError, match="already running"):
            async with demonstration(import_manual, accept, front=False):
                pytest.fail("it must not come so far")


def test_the_manual_is_localised() -> None:
    addresses = {"api": "http://127.0.0.1:1", "http": "http://127.0.0.1:2", "https": "https://127.0.0.1:3"}
    text = localised(manual_text(), Path("/tmp/x"), addresses)
    assert "/srv/tonehouse" not in text
    assert not {port for port in ("3001", "3080", "3443") if f"127.0.0.1:{port}" in text}
    assert "--cacert /tmp/x/tls/ca.pem https://127.0.0.1:3/health" in text
    bare = localised(manual_text(), Path("/tmp/x"), {"api": "http://127.0.0.1:1", "http": None, "https": None})
    assert "### Front" not in bare
    assert "cacert" not in bare
    assert "### Key figures" in bare


class Spoken:
    """An Output that keeps what was said."""

    wants_json = False
    colours = False

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.values: list[object] = []

    def say(self, text: str = "", *, style: str = "") -> None:
        self.lines.append(text)

    def table(self, columns: object, rows: list[list[str]], *, styles: object = ()) -> None:
        self.lines += [" ".join(row) for row in rows]

    def data(self, value: object) -> None:
        self.values.append(value)


async def run(action: str | None = None, fault: str | None = None, **verbs: object) -> tuple[int, Spoken]:
    """The command ``keepwell demo``, with the verbs that a test hands in."""

    async def serve(directory: str, data: str, listen: str) -> int:
        raise AssertionError("no server is wanted here")

    chosen = {"run_server": serve, "import_manual": import_manual, "accept": accept, **verbs}
    (command,) = offer.commands(**chosen)  # type: ignore[arg-type]
    output = Spoken()
    call = Call({"action": action, "fault": fault, "no_front": True}, output)  # type: ignore[arg-type]
    return await command.run(call), output


async def test_the_command_says_where_to_look_and_what_to_break(runtime: Path, tmp_path: Path) -> None:
    served: list[str] = []

    async def serve(directory: str, data: str, listen: str) -> int:
        served.extend((directory, data, listen))
        assert verbs.load_checks(directory)
        broken, spoken = await run("break", "api-slow")
        assert (broken, spoken.lines[0]) == (0, "broken: Every answer of the audio server takes 0.8 s longer.")
        _, spoken = await run("faults")
        assert any(line.startswith("api-slow on ") for line in spoken.lines)
        repaired, spoken = await run("repair", "api-slow")
        assert (repaired, spoken.lines) == (0, ["repaired: api-slow"])
        return 0

    code, output = await run(run_server=serve)
    assert code == 0
    directory, data, listen = served
    text = "\n".join(output.lines)
    assert f"http://{listen}/" in text
    assert f"keepwell status --data {data}" in text
    assert directory in text
    assert "keepwell demo break api-slow" in text
    assert "web-down" not in text
    assert os.listdir(tmp_path) == os.listdir(runtime) == []


@pytest.mark.parametrize(("action", "fault"), [("break", None), ("repair", None), ("faults", "api-slow"), (None, "api-slow")])
async def test_words_that_do_not_belong_together_are_refused(action: str | None, fault: str | None) -> None:
    with pytest.raises(UsageError):
        await run(action, fault)


async def test_without_a_demonstration_there_is_nothing_to_break(runtime: Path) -> None:
    with pytest.raises(KeepwellError, match="no laboratory of yours is running"):
        await run("break", "api-slow")
