"""Runbooks run by a real server: accepted texts only, each step journaled, people heard, and permissions asked."""

import asyncio
import json
import re
import urllib.request
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from keepwell.ports.fakes import FakeClock
from keepwell.rooms.runbooks import store
from keepwell.rooms.runbooks.model import State, Wish
from keepwell.rooms.runbooks.offer import tables
from keepwell.rooms.runbooks.work.forgetting import Forgetting
from keepwell.storage.database import Database
from tests.runs_served import accept, running
from tests.serving import keepwell
from tests.support import wait_until

TWO = """\
# Two steps

```sh {"name": "first"}
echo first; echo also >&2
```

```sh {"name": "second"}
echo "second of $KEEPWELL_RUN"
```
"""


def test_two_steps_are_run_in_order_journaled_and_shown(tmp_path: Path) -> None:
    with running(tmp_path, {"two": TWO}) as runs:
        run = runs.run("two")
        assert (run["id"], run["state"], run["sentence"]) == (1, "done", "2 steps done")
        assert [(step["name"], step["state"], step["status"]) for step in run["steps"]] == [("first", "done", 0), ("second", "done", 0)]
        assert runs.output(1, "first") == "first\nalso\n"
        assert runs.output(1, "second") == "second of 1\n"
        began_and_ended = ["run.step-began", "run.step-ended"] * 2
        assert runs.events(1) == ["run.started", *began_and_ended, "run.ended"]
        assert not [path for path in (runs.data / "runs").rglob("*") if path.is_file()]
        assert runs.said("runs", "list")["runs"][0]["state"] == "done"
        assert runs.server.get("/api/v1/runbooks")["runbooks"][0]["last"]["id"] == 1


def test_what_nobody_accepted_does_not_run_and_a_changed_text_neither(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    with running(tmp_path, {"two": TWO}) as runs:
        book = runs.directory / "runbooks" / "two.md"
        book.write_text(TWO.replace("echo first", f"touch {mark}; echo first"))
        assert keepwell("reload", "--data", str(runs.data)).returncode == 0
        run = runs.run("two")
        assert run["state"] == "refused"
        assert "step 1 (first) waits for acceptance: root accepted it on" in run["sentence"] or "accepted it on" in run["sentence"]
        assert not mark.exists()
        accept(runs.directory)
        assert keepwell("reload", "--data", str(runs.data)).returncode == 0
        assert runs.run("two")["state"] == "done"
        assert mark.exists()


FAILS = """\
```sh {"name": "stops"}
false
echo never
```

```sh {"name": "after"}
echo after
```

```bash {"name": "script"}
#!/bin/bash
false
echo goes on
```
"""


def test_a_step_that_fails_ends_the_run_and_a_person_says_what_next(tmp_path: Path) -> None:
    with running(tmp_path, {"fails": FAILS}) as runs:
        run = runs.run("fails")
        assert (run["state"], run["steps"][0]["status"]) == ("failed", 1)
        assert [step["state"] for step in run["steps"]] == ["failed", "waiting", "waiting"]
        again = runs.said("runs", "resume", "1", "--repeat")
        assert (again["state"], again["steps"][0]["attempt"]) == ("failed", 2)
        done = runs.said("runs", "resume", "1", "--skip", "--note", "known")
        assert (done["state"], done["sentence"]) == ("done", "2 steps done, 1 left out")
        assert done["steps"][0]["note"] == "known"
        assert runs.output(1, "script") == "goes on\n"


PEOPLE = """\
# Daily

- [ ] Look at the dashboard
- [ ] Read the log
"""


def test_a_checklist_is_ticked_line_by_line(tmp_path: Path) -> None:
    with running(tmp_path, {"daily": PEOPLE}) as runs:
        run = runs.run("daily")
        assert (run["state"], run["sentence"]) == ("waiting", "step 1 (look-at-the-dashboard): a person does it, and ticks it")
        ticked = runs.said("runs", "tick", "1", "read-the-log", "--by", "anna")
        assert (ticked["state"], ticked["sentence"]) == (run["state"], run["sentence"])
        told = keepwell("runs", "tick", "1", "look-at-the-dashboard", "--note", "all green", "--data", str(runs.data))
        assert told.returncode == 0
        assert [line.split("  ")[-1].strip() for line in told.stdout.splitlines()] == ["done", "run 1 done: 2 steps done"]
        done = runs.show(1)
        assert [(step["by"], step["note"]) for step in done["steps"]][1] == ("anna", None)
        assert done["steps"][0]["note"] == "all green"
        assert runs.events(1).count("run.step-ticked") == 2
        refused = keepwell("runs", "tick", "1", "read-the-log", "--data", str(runs.data))
        assert refused.returncode == 2
        assert "is done already" in refused.stderr


MIXED = """\
> - Refused (KW310): it moves into itself; instead: use mv -T

```sh {"name": "moves", "disposition": "refused", "rule": "KW310"}
mv a b
```

```sh {"name": "lists"}
echo lists
```
"""


def test_a_refused_step_hinders_the_whole_run_before_it_begins(tmp_path: Path) -> None:
    with running(tmp_path, {"mixed": MIXED}) as runs:
        run = runs.run("mixed")
        assert (run["state"], run["sentence"]) == ("refused", "step 1 (moves) is refused: it moves into itself; instead: use mv -T")
        without = runs.run("mixed", "--skip", "moves")
        assert (without["state"], [step["state"] for step in without["steps"]]) == ("done", ["skipped", "done"])


MISSING = """\
```sh {"name": "rotates", "disposition": "missing", "missing": "rotate-logs.sh"}
/opt/rotate-logs.sh
```
"""


def test_a_step_that_misses_something_waits_until_it_is_supplied(tmp_path: Path) -> None:
    with running(tmp_path, {"rotate": MISSING}) as runs:
        run = runs.run("rotate")
        assert run["state"] == "waiting"
        assert "nobody supplied rotate-logs.sh" in run["sentence"]
        (runs.directory / "runbooks" / "rotate.md").write_text('```sh {"name": "rotates"}\necho rotated\n```\n')
        accept(runs.directory)
        assert keepwell("reload", "--data", str(runs.data)).returncode == 0
        runs.until(1, "done")
        assert runs.output(1, "rotates") == "rotated\n"


ASKS = """\
```sh {"name": "acknowledges", "asks": "ALERT_ID"}
echo "acknowledged $ALERT_ID"
```
"""


def test_what_a_step_asks_for_reaches_it_as_a_variable(tmp_path: Path) -> None:
    hostile = "1; echo hacked $(id)"
    with running(tmp_path, {"acknowledge": ASKS}) as runs:
        run = runs.run("acknowledge")
        assert (run["state"], run["sentence"]) == ("waiting", "step 1 (acknowledges): it asks for ALERT_ID")
        runs.said("runs", "answer", "1", f"ALERT_ID={hostile}")
        runs.until(1, "done")
        assert runs.output(1, "acknowledges") == f"acknowledged {hostile}\n"
        assert runs.run("acknowledge", "--set", "ALERT_ID=7")["state"] == "done"


DESTROYS = """\
```sh {"name": "deletes"}
rm -f "$TMPDIR/nothing-of-that-name"
```
"""


def test_what_destroys_waits_until_somebody_else_approves(tmp_path: Path) -> None:
    with running(tmp_path, {"clean": DESTROYS}, "policy: {destructive: approve}\n") as runs:
        run = runs.run("clean")
        assert run["state"] == "waiting"
        assert "it deletes files; somebody else than root approves it" in run["sentence"]
        mine = keepwell("runs", "approve", "1", "--data", str(runs.data))
        assert mine.returncode == 2
        assert "root asked for it, so somebody else has to approve it" in mine.stderr
        made = keepwell("token", "create", "anna", "--permission", "runbooks.approve", "--data", str(runs.data), "--json")
        token = json.loads(made.stdout)["token"]
        assert _approved(runs.server.port, token)["state"] == "granted"
        runs.until(1, "done")
        entries = json.loads(keepwell("journal", "list", "--limit", "100", "--data", str(runs.data), "--json").stdout)
        granted = next(entry for entry in entries if entry["event"] == "permission.granted")
        assert (granted["subject"], granted["actor"]) == ("runs/1/deletes", "anna")


DESTROYS_WHAT_IS_SAID = """\
```sh {"name": "deletes", "asks": "NAME"}
rm -f "$TMPDIR/$NAME"
```
"""


def test_a_permission_is_for_the_values_that_were_given(tmp_path: Path) -> None:
    with running(tmp_path, {"clean": DESTROYS_WHAT_IS_SAID}, "policy: {destructive: approve}\n") as runs:
        run = runs.run("clean", "--set", "NAME=old one")
        assert 'it deletes files, with NAME="old one"; somebody else than root approves it' in run["sentence"]
        other = keepwell("runs", "answer", "1", "NAME=..", "--data", str(runs.data))
        assert (other.returncode, "waits for a permission for the values that it has" in other.stderr) == (2, True)
        made = keepwell("token", "create", "anna", "--permission", "runbooks.approve", "--data", str(runs.data), "--json")
        assert _approved(runs.server.port, json.loads(made.stdout)["token"])["state"] == "granted"  # for thirty days
        runs.until(1, "done")
        assert runs.run("clean", "--set", "NAME=old one")["state"] == "done"
        assert runs.run("clean", "--set", "NAME=another")["state"] == "waiting"


def test_whoever_approves_what_a_task_waits_for_sees_what_comes_of_it(tmp_path: Path) -> None:
    task = "tasks: {tidy: {run: runbooks/clean.md, every: 1s}}\n"
    with running(tmp_path, {"clean": DESTROYS}, f"policy: {{destructive: approve}}\n{task}") as runs:
        wait_until(lambda: bool(runs.said("runs", "approvals")["approvals"]), 30, "a wish of the task")
        assert runs.show(1)["sentence"].endswith("it deletes files; a person approves it")
        approved = keepwell("runs", "approve", "1", "--for", "1h", "--data", str(runs.data))
        assert (approved.returncode, approved.stdout.splitlines()[-1]) == (0, "run 1 done: 1 step done"), approved.stdout
        wait_until(lambda: len(runs.said("runs", "list")["runs"]) > 1, 30, "the task's next run")
        runs.until(2, "done")


@pytest.mark.parametrize("policy", ["approve", "confirm"])
def test_whoever_gives_the_values_does_not_permit_them(tmp_path: Path, policy: str) -> None:
    with running(tmp_path, {"clean": DESTROYS_WHAT_IS_SAID}, f"policy: {{destructive: {policy}}}\n") as runs:
        permissions = ("--permission", "runbooks.run", "--permission", "runbooks.approve")
        made = keepwell("token", "create", "anna", *permissions, "--data", str(runs.data), "--json")
        token = json.loads(made.stdout)["token"]
        _sent(runs.server.port, token, "runs", {"runbook": "clean", "confirmed": True})
        wait_until(lambda: "it asks for NAME" in runs.show(1)["sentence"], 30, "a question")
        runs.said("runs", "answer", "1", "NAME=old")
        wait_until(lambda: bool(runs.said("runs", "approvals")["approvals"]), 30, "a wish for these values")
        assert [one["asked_by"] for one in runs.said("runs", "approvals")["approvals"]] == ["root"]
        mine = keepwell("runs", "approve", "1", "--data", str(runs.data))
        if policy == "approve":
            assert (mine.returncode, "root asked for it, so somebody else has to approve it" in mine.stderr) == (2, True)
            assert _approved(runs.server.port, token)["state"] == "granted"
        else:  # anna's word at the start was not for values that she did not know
            assert mine.returncode == 0
        runs.until(1, "done")


def _approved(port: int, token: str) -> dict[str, Any]:
    return _sent(port, token, "approvals/1", {"lasts": "30d"})


def _sent(port: int, token: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/api/v1/{path}", json.dumps(body).encode(), headers, method="POST")
    with urllib.request.urlopen(request, timeout=10) as answer:
        return dict(json.load(answer))


def test_a_dry_run_begins_nothing(tmp_path: Path) -> None:
    with running(tmp_path, {"two": TWO, "mixed": MIXED}) as runs:
        slip = keepwell("run", "mixd", "--data", str(runs.data))
        assert (slip.returncode, slip.stderr) == (2, "no runbook and no task is called mixd\n  hint: did you mean mixed?\n")
        absent = keepwell("runs", "show", "999", "--data", str(runs.data))
        assert (absent.returncode, absent.stderr) == (2, "there is no run 999\n  hint: keepwell runs list shows them\n")
        said = keepwell("run", "mixed", "--dry-run", "--data", str(runs.data))
        assert said.returncode == 1
        assert "it moves into itself; instead: use mv -T" in said.stdout
        step = re.search(r"^ +\d+ (\S+)  refused", said.stdout, re.MULTILINE)
        assert step is not None
        without = keepwell("run", "mixed", "--dry-run", "--skip", step[1], "--data", str(runs.data))
        assert (without.returncode, f"{step[1]}  left out" in without.stdout) == (0, True), without.stdout
        other = keepwell("run", "two", "--dry-run", "--skip", "third", "--data", str(runs.data))
        assert (other.returncode, 'it has no step called "third"' in other.stdout) == (1, True)
        assert keepwell("run", "two", "--dry-run", "--data", str(runs.data)).returncode == 0
        assert runs.said("runs", "list")["runs"] == []


ENVIRONMENT = """\
---
environment: {PLACE: /srv/shop}
secrets: {KEY: "secret:SHOP_KEY"}
---
```sh {"name": "uses"}
echo "$PLACE ${#KEY} $KEY"
```
"""


def test_secrets_reach_a_step_and_nothing_that_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "a-very-secret-value"
    monkeypatch.setenv("SHOP_KEY", secret)
    with running(tmp_path, {"uses": ENVIRONMENT}) as runs:
        assert runs.run("uses")["state"] == "done"
        output = runs.output(1, "uses")
        assert output.startswith(f"/srv/shop {len(secret)} ")
        assert secret not in output
        kept = [path.read_bytes() for path in runs.data.rglob("*") if path.is_file()]
        assert kept
        assert not any(secret.encode() in content for content in kept)


def test_a_time_limit_ends_the_whole_group(tmp_path: Path) -> None:
    text = '```sh {"name": "hangs", "timeout": "1s"}\ntrap "" TERM\nsleep 600 & sleep 600\n```\n'
    with running(tmp_path, {"hangs": text}) as runs:
        run = runs.run("hangs")
        assert (run["state"], run["steps"][0]["sentence"]) == ("failed", "it was ended after 1 s, its time limit")


def test_old_runs_are_forgotten_but_for_the_newest_and_those_that_wait(tmp_path: Path) -> None:
    path = tmp_path / "keepwell.sqlite"
    start = datetime(2026, 1, 1, tzinfo=UTC)

    async def kept() -> list[int]:
        database = await Database.open(path, [tables()], start)
        try:
            for number in range(1, 6):
                wish = Wish(f"runbooks/{'ab'[number % 2]}.md", f"key {number}", "anna", start)
                state = State.WAITING if number == 1 else State.DONE

                def write(connection: Connection, wish: Wish = wish, state: State = state) -> None:
                    run, made = store.create(connection, wish, "title", ())
                    assert made
                    store.save(connection, run, replace(run, state=state, ended_at=start if state is State.DONE else None))

                await database.write(write)
            clock = FakeClock(start + timedelta(days=91))
            await Forgetting(database, clock).forget()
            runs = await database.read(lambda connection: store.listing(connection, runbook=None, states=(), before=None, limit=10))
            return [run.number for run in runs]
        finally:
            await database.close()

    assert asyncio.run(kept()) == [5, 4, 1]


NAMED = """\
```sh {"name": "look at a/b", "disposition": "human"}
look
```
"""


def test_a_step_with_any_name_is_ticked(tmp_path: Path) -> None:
    with running(tmp_path, {"look": NAMED}) as runs:
        runs.run("look")
        assert runs.said("runs", "tick", "1", "look at a/b")["state"] == "done"


def test_a_permission_without_an_end_worth_the_name_is_not_given(tmp_path: Path) -> None:
    with running(tmp_path, {"clean": DESTROYS}, "policy: {destructive: confirm}\n") as runs:
        runs.run("clean")
        done = keepwell("runs", "approve", "1", "--for", "99999999d", "--data", str(runs.data))
        assert done.returncode == 2
        assert "a permission lasts 3650d at most" in done.stderr


def test_a_program_that_no_first_line_names_does_not_leave_a_run_standing(tmp_path: Path) -> None:
    with running(tmp_path, {"broken": '```sh {"name": "a"}\n#!/bin/sh "\n```\n'}) as runs:
        run = runs.run("broken")
        assert run["state"] == "refused"
        assert "the program that its first line names cannot be read" in run["sentence"]
