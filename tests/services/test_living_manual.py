"""The living manual of a real server: imported, looked at, exported."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from keepwell.rooms.manual.importing.keep import keep, read_kept
from keepwell.rooms.manual.importing.work import Request, import_file, prepare, read_file, write
from keepwell.rooms.manual.living.work import Living
from tests.serving import keepwell, operations, serving
from tests.support import wait_until

MANUAL = """\
# Shop operations

## Health

```bash
df -h /
```

## Daily checklist
- [ ] Look at the orders
"""


def test_a_manual_shows_what_ran(tmp_path: Path) -> None:
    (tmp_path / "shop.md").write_text(MANUAL)
    ops, data = tmp_path / "ops", tmp_path / "data"
    imported = keepwell("import", str(tmp_path / "shop.md"), "-o", str(ops), "--every", "1s", "--data", str(data))
    assert imported.returncode == 0, imported.stderr
    with serving(ops, data) as server:
        wait_until(lambda: server.get("/api/v1/manual")["coverage"]["ran"] > 0, 20, "evidence")
        disk = next(item for item in server.get("/api/v1/manual")["items"] if item["line"] == 6)
        assert disk["place"].startswith("checks.disk")
        assert disk["standing"] == "ran"
        assert "%" in disk["last_run"]["sentence"]
        for name in ("manual.html", "manual.json"):
            told = keepwell("manual", "export", "--output", str(tmp_path / name), "--data", str(data))
            assert told.returncode == 0, told.stderr
    page = (tmp_path / "manual.html").read_text()
    assert "Look at the orders" in page
    assert "never ran yet" in page
    assert json.loads((tmp_path / "manual.json").read_text())["coverage"]["waits"] >= 1


def test_what_a_person_ticked_stays_while_the_next_round_is_open(tmp_path: Path) -> None:
    (tmp_path / "shop.md").write_text(MANUAL)
    ops, data = tmp_path / "ops", tmp_path / "data"
    keepwell("import", str(tmp_path / "shop.md"), "-o", str(ops), "--data", str(data))
    with serving(ops, data) as server:

        def item() -> Any:
            return next(one for one in server.get("/api/v1/manual")["items"] if one["line"] == 10)

        def begin() -> Any:
            told = keepwell("run", "daily-checklist", "--data", str(data), "--json")
            return json.loads(told.stdout)

        run = begin()
        assert item()["standing"] == "waits"
        ticked = keepwell("runs", "tick", str(run["id"]), run["steps"][0]["name"], "--data", str(data))
        assert ticked.returncode == 0, ticked.stderr
        wait_until(lambda: item()["standing"] == "ran", 10, "the tick in the manual")
        assert "done by" in item()["last_run"]["sentence"]
        assert begin()["id"] != run["id"]
        assert item()["last_run"]["link"] == f"/runs/{run['id']}"


def test_of_two_lines_that_say_the_same_one_is_ticked(tmp_path: Path) -> None:
    (tmp_path / "shop.md").write_text(MANUAL + "- [ ] Look at the till\n- [ ] Look at the orders\n")
    ops, data = tmp_path / "ops", tmp_path / "data"
    keepwell("import", str(tmp_path / "shop.md"), "-o", str(ops), "--data", str(data))
    with serving(ops, data) as server:
        run = json.loads(keepwell("run", "daily-checklist", "--data", str(data), "--json").stdout)
        assert [step["title"] for step in run["steps"]] == ["Look at the orders", "Look at the till", "Look at the orders"]

        def standings() -> list[str]:
            return [one["standing"] for one in server.get("/api/v1/manual")["items"] if one["kind"] == "checkbox"]

        for number, wanted in ((2, ["waits", "waits", "ran"]), (0, ["ran", "waits", "ran"])):
            ticked = keepwell("runs", "tick", str(run["id"]), run["steps"][number]["name"], "--data", str(data))
            assert ticked.returncode == 0, ticked.stderr
            wait_until(lambda wanted=wanted: standings() == wanted, 10, "the tick in the manual")  # type: ignore[misc]


def test_without_a_manual_the_page_says_how_to_get_one(tmp_path: Path) -> None:
    ops = operations(tmp_path / "ops", "keepwell: 1\nservice: shop\n")
    with serving(ops, tmp_path / "data"):
        told = keepwell("manual", "export", "--output", str(tmp_path / "manual.html"), "--data", str(tmp_path / "data"))
    assert told.returncode == 2
    assert "no manual was imported" in told.stderr
    assert "keepwell import" in told.stderr


def test_a_check_that_waits_for_acceptance_covers_nothing_and_no_secret_is_shown(tmp_path: Path) -> None:
    (tmp_path / "shop.md").write_text(MANUAL + "\nThe password: made-up-secret\n")
    ops, data = tmp_path / "ops", tmp_path / "data"
    keepwell("import", str(tmp_path / "shop.md"), "-o", str(ops), "--every", "1s", "--data", str(data))
    configuration = (ops / "keepwell.yaml").read_text()
    assert "host: {mount: /}" in configuration
    (ops / "keepwell.yaml").write_text(configuration.replace("host: {mount: /}", "command: {run: [df, -h, /]}"))
    with serving(ops, data) as server:

        def disk() -> Any:
            return next(item for item in server.get("/api/v1/manual")["items"] if item["line"] == 6)

        wait_until(lambda: disk()["last_run"] is not None, 20, "a look")
        assert disk()["standing"] == "waits"
        assert "waiting for acceptance" in disk()["last_run"]["sentence"]
        assert server.get("/api/v1/manual")["coverage"]["ran"] == 0
        keepwell("manual", "export", "--output", str(tmp_path / "manual.html"), "--data", str(data))
    page = (tmp_path / "manual.html").read_text()
    assert "The password: [redacted]" in page
    assert "made-up-secret" not in page


async def test_a_text_that_is_kept_after_the_report_was_written_is_read_again(tmp_path: Path) -> None:
    """Import writes the report, and then keeps the text: a page between the two must not show the old text for ever."""
    manual, ops, data = tmp_path / "shop.md", tmp_path / "ops", tmp_path / "data"
    living = Living(ops, data, lambda: (), lambda: datetime(2026, 11, 18, tzinfo=UTC))
    manual.write_text(MANUAL)
    await import_file(manual, ops, data=data)
    manual.write_text(MANUAL + "- [ ] Look at the till\n")
    work = prepare(Request(ops, data), read_file(manual), manual.name)
    before = read_kept(data, ops)
    assert before is not None
    write(replace(work, kept=before))
    assert "- [ ] Look at the till" not in (await living.manual()).lines
    keep(data, ops, work.kept)
    assert "- [ ] Look at the till" in (await living.manual()).lines
