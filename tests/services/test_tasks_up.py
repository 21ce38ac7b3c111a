"""Tasks of a real ``keepwell up``: runbooks run when their time has come, what goes wrong is an alert, commands say and do it."""

import asyncio
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from keepwell.api.client import ServerClient
from keepwell.composition import verbs
from keepwell.config.acceptance import accept_in
from tests.serving import Served, keepwell, operations, serving
from tests.support import wait_until

CONFIGURATION = """\
keepwell: 1
service: shop
tasks:
  count: {run: runbooks/count.md, every: 1s}
  breaks: {run: ./runbooks/breaks.md, every: 2s, priority: low}
  review: {every: 1s}
  yearly: {run: runbooks/count.md, every: yearly, zone: Europe/Berlin, window: night, locks: [disk], expected_duration: 1h}
windows:
  night: {on: "daily 22:00-06:00"}
checks:
  counted: {keepwell: {task: {name: count, warn: "> 1h"}}, every: 1s}
"""
SECOND = r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d"
INSTANT = rf"{SECOND}\S*Z"
COUNT = """\
# Count

```sh {"name": "count"}
echo once >> FILE
```
"""
BREAKS = """\
# Breaks

```sh {"name": "breaks"}
exit 3
```
"""


@pytest.fixture
def ops(tmp_path: Path) -> Path:
    """A directory whose runbooks are accepted."""
    folder = operations(tmp_path / "ops", CONFIGURATION)
    (folder / "runbooks").mkdir()
    (folder / "runbooks" / "count.md").write_text(COUNT.replace("FILE", str(tmp_path / "counted")))
    (folder / "runbooks" / "breaks.md").write_text(BREAKS)
    accept_in(folder, verbs.executables(str(folder), verbs.effective_user()), by="ann", at=datetime.now(UTC))
    return folder


def state(server: Served, name: str) -> str:
    return str(server.get(f"/api/v1/tasks/{name}")["state"])


def alerts(server: Served) -> dict[str, dict[str, str]]:
    """The labels of each active alert, by its name."""
    return {alert["labels"]["alertname"]: alert["labels"] for alert in server.get("/api/v1/alerts")["active_alerts"]}


def test_what_is_due_runs_and_what_breaks_is_an_alert(ops: Path, tmp_path: Path) -> None:
    counted, data = tmp_path / "counted", tmp_path / "data"
    with serving(ops, data) as server:
        wait_until(lambda: counted.exists() and len(counted.read_text().split()) >= 2, 60, "two runs of count")
        wait_until(lambda: state(server, "breaks") == "failed", 60, "the runbook that breaks")
        wait_until(lambda: "TaskFailed" in alerts(server), 60, "the alert")
        assert alerts(server)["TaskFailed"] == {"alertname": "TaskFailed", "service": "shop", "severity": "info", "task": "breaks"}
        wait_until(lambda: server.states().get("counted") == "ok", 60, "the check of what Keepwell itself did")
        runs = server.get("/api/v1/task-runs?task=count&limit=1000")["runs"]
        assert len({run["due_at"] for run in runs}) == len(runs)
        done = keepwell("tasks", "done", "review", "--note", "looked", "--by", "maria", "--data", str(data))
        assert (done.returncode, done.stdout) == (0, "review: done: done by maria: looked\n"), done.stderr
        wait_until(lambda: keepwell("tasks", "list", "--data", str(data)).returncode == 1, 60, "one that failed and is not under way")
        assert "every" in keepwell("tasks", "list", "--data", str(data)).stdout.lower()
        shown = json.loads(keepwell("tasks", "show", "yearly", "--data", str(data), "--json").stdout)
        assert (shown["state"], shown["window"], shown["locks"], shown["last_success"]) == ("new", "daily 22:00-06:00", ["disk"], None)
        before = len(counted.read_text().split())
        assert keepwell("run", "yearly", "--data", str(data)).returncode == 0
        wait_until(lambda: state(server, "yearly") == "done", 60, "what a person began")
        assert len(counted.read_text().split()) > before
        asyncio.run(ServerClient(data).post("/api/v1/tasks/yearly/run", {"by": "a colleague"}))
        (newest, *_) = server.get("/api/v1/task-runs?task=yearly")["runs"]
        assert newest["by"] == verbs.effective_user(), "nobody has work done, and permits it, as two people"
        history = keepwell("tasks", "history", "--task", "yearly", "--data", str(data))
        assert "done" in history.stdout
        refused = keepwell("tasks", "run", "nothing", "--data", str(data))
        assert (refused.returncode, "no task is called nothing" in refused.stderr) == (2, True)
        assert "did you mean" not in refused.stderr
        assert keepwell("journal", "verify", "--data", str(data)).returncode == 0


def test_a_reload_and_a_restart_go_on_where_they_were(ops: Path, tmp_path: Path) -> None:
    counted, data = tmp_path / "counted", tmp_path / "data"
    with serving(ops, data):
        wait_until(counted.exists, 60, "a run of count")
    before = counted.read_text()
    with serving(ops, data) as server:
        wait_until(lambda: len(counted.read_text()) > len(before), 60, "a run after the restart")
        text = (ops / "keepwell.yaml").read_text()
        (ops / "keepwell.yaml").write_text(text.replace("  breaks: {run: ./runbooks/breaks.md, every: 2s, priority: low}\n", ""))
        assert keepwell("reload", "--data", str(data)).returncode == 0
        assert "breaks" not in [task["name"] for task in server.get("/api/v1/tasks")["tasks"]]
        runs = server.get("/api/v1/task-runs?task=count&limit=1000")["runs"]
        done = [run for run in runs if run["state"] == "done"]
        assert len(counted.read_text().split()) >= len(done)


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ("{every: daily, backup: shop}", '"shop" is not one of the backups'),
        ("{every: daily, rotate: app}", '"app" is not one of the logs'),
        ("{every: daily, clean: app/old}", 'tasks.it.clean: "app" is not one of the logs'),
        ("{every: daily, report: yearly}", 'tasks.it.report: "yearly" is not one of the reports'),
        ("{every: daily, audit: ports}", '"ports" is not one of the audits'),
        ("{every: daily, run: a.md, on: web1}", '"on" is not a key that is known here'),
        ("{every: daily, window: never}", '"never" is not one of the windows'),
        ("{every: whenever}", '"whenever" is not a cadence'),
    ],
)
def test_validate_says_what_is_wrong_with_a_task(tmp_path: Path, entry: str, sentence: str) -> None:
    folder = operations(tmp_path / "ops", f"keepwell: 1\nservice: shop\ntasks:\n  it: {entry}\n")
    answer = keepwell("validate", str(folder))
    assert answer.returncode == 1
    assert sentence in answer.stdout + answer.stderr
    assert "keepwell.yaml:4:" in answer.stdout + answer.stderr


def test_validate_names_runbooks_that_are_not_there_or_cannot_be_run(ops: Path) -> None:
    (ops / "runbooks" / "breaks.md").write_text("---\non: nowhere\n---\n" + BREAKS)
    with (ops / "keepwell.yaml").open("a") as file:
        file.write("incidents: {severities: {P1: {respond: 15m, runbook: runbooks/p1.md}}}\n")
    said = keepwell("validate", str(ops))
    assert said.returncode == 0
    assert 'runbooks/p1.md is never run as it is written: "runbooks/p1.md" does not exist' in said.stderr
    assert "runbooks/breaks.md is never run as it is written: there is no host 'nowhere' in keepwell.yaml" in said.stderr
    assert "count.md" not in said.stderr


def test_a_task_says_the_time_of_work_that_recurs_by_itself(tmp_path: Path) -> None:
    text = """\
keepwell: 1
service: shop
tasks:
  nightly: {backup: files, every: "daily 02:00"}
  week: {report: weekly, every: "Monday 09:00"}
backups: {files: {files: {paths: [/srv/shop]}, to: far, every: weekly}}
repositories: {far: {archive: {path: /srv/far}}}
"""
    plan = json.loads(keepwell("plan", str(operations(tmp_path / "ops", text)), "--json").stdout)
    assert [(task["name"], task["does"]) for task in plan["tasks"]] == [("nightly", "backup files"), ("week", "report weekly")]


def test_a_server_that_is_killed_does_each_occasion_once(ops: Path, tmp_path: Path) -> None:
    counted, data = tmp_path / "counted", tmp_path / "data"
    for _ in range(3):
        server = Served(ops, data)
        server.ready()
        before = len(counted.read_text().split()) if counted.exists() else 0
        wait_until(lambda before=before: counted.exists() and len(counted.read_text().split()) > before, 60, "a run")  # type: ignore[misc]
        server.kill()
    with serving(ops, data) as server:
        wait_until(lambda: len([run for run in runs(server) if run["state"] == "done"]) >= 4, 60, "occasions that were done")
        assert keepwell("tasks", "history", "--data", str(data)).returncode == 0
    entries = json.loads(keepwell("journal", "list", "--limit", "100000", "--data", str(data), "--json").stdout)
    ended = [one for one in entries if (one["event"], one["subject"]) == ("task.ended", "tasks/count")]
    done = [one for one in ended if one["facts"]["outcome"] == "done"]
    assert len({one["facts"]["due_at"] for one in done}) == len(done)
    assert 0 <= len(counted.read_text().split()) - len(done) <= 1  # the last one may not have been stored as done


def runs(server: Served) -> list[dict[str, str]]:
    """The occasions of the task that counts, newest first."""
    found: list[dict[str, str]] = server.get("/api/v1/task-runs?task=count&limit=1000")["runs"]
    return found


def test_what_is_skipped_does_not_go_on_when_somebody_ticks_it_later(tmp_path: Path) -> None:
    after = tmp_path / "after"
    folder = operations(tmp_path / "ops", "keepwell: 1\nservice: shop\ntasks:\n  listen: {run: runbooks/listen.md, every: yearly}\n")
    (folder / "runbooks").mkdir()
    (folder / "runbooks" / "listen.md").write_text(
        f'# Listen\n\n- [ ] Is there sound?\n\n```sh {{"name": "after"}}\necho once >> {after}\n```\n'
    )
    accept_in(folder, verbs.executables(str(folder), verbs.effective_user()), by="ann", at=datetime.now(UTC))
    data = tmp_path / "data"
    with serving(folder, data) as server:
        assert keepwell("tasks", "run", "listen", "--data", str(data)).returncode == 0
        wait_until(lambda: state(server, "listen") == "waiting", 60, "the checklist")
        skipped = keepwell("tasks", "skip", "listen", "--note", "holidays", "--by", "ada", "--data", str(data))
        assert (skipped.returncode, skipped.stdout) == (0, "listen: skipped: skipped by ada: holidays\n")
        run = server.get("/api/v1/runs/1")
        assert (run["state"], run["sentence"]) == ("failed", f"stopped by uid:{verbs.effective_user()}: holidays"), "who sent it"
        assert keepwell("runs", "tick", "1", "is-there-sound", "--data", str(data)).returncode != 0
        assert state(server, "listen") == "skipped"
        assert not after.exists()


def test_pages_by_the_printed_instant_leave_out_no_occasion(tmp_path: Path) -> None:
    names = {f"count{number:02}" for number in range(12)}
    lines = "".join(f"  {name}: {{run: runbooks/count.md, every: yearly}}\n" for name in sorted(names))
    folder, data = operations(tmp_path / "ops", f"keepwell: 1\nservice: shop\ntasks:\n{lines}"), tmp_path / "data"
    (folder / "runbooks").mkdir()
    (folder / "runbooks" / "count.md").write_text(COUNT.replace("FILE", str(tmp_path / "counted")))

    async def begin_all() -> None:
        for name in names:
            await ServerClient(data).post(f"/api/v1/tasks/{name}/run", {})

    with serving(folder, data):
        asyncio.run(begin_all())
        answer = keepwell("tasks", "history", "--limit", "100", "--data", str(data))
        assert "--before" not in answer.stdout, "there is no other page"
        assert len(set(re.findall(SECOND, answer.stdout))) < len(names), "several in one second"
        found: list[str] = []
        before: tuple[str, ...] = ()
        for page in range(4):
            answer = keepwell("tasks", "history", "--limit", "3", *before, "--data", str(data))
            rows = [line for line in answer.stdout.splitlines() if "count" in line]
            found += [row.split()[0] for row in rows]
            says = answer.stdout if page % 2 else rows[-1]  # what the last line says, and what the last row does
            before = ("--before", re.findall(INSTANT, says)[-1])
        assert sorted(found) == sorted(names)
        last = keepwell("tasks", "history", "--before", re.findall(INSTANT, rows[-1])[0], "--data", str(data))
        assert (last.returncode, last.stdout) == (0, "nothing was due before then\n")
