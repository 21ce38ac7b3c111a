"""The living manual of a real server: imported, looked at, exported."""

import json
from pathlib import Path
from typing import Any

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


def test_without_a_manual_the_page_says_how_to_get_one(tmp_path: Path) -> None:
    ops = operations(tmp_path / "ops", "keepwell: 1\nservice: shop\n")
    with serving(ops, tmp_path / "data"):
        told = keepwell("manual", "export", "--output", str(tmp_path / "manual.html"), "--data", str(tmp_path / "data"))
    assert told.returncode == 2
    assert "no manual was imported" in told.stderr
    assert "keepwell import" in told.stderr
