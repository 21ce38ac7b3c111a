"""Logs of a running server: rotated by a command and a task, asked, counted, shown."""

import json
import urllib.request
from pathlib import Path

from tests.logs_writer import numbers_in, writing
from tests.serving import keepwell, operations, serving
from tests.support import wait_until

POLICY = """\
keepwell: 1
service: shop
logs:
  shop:
    paths: ["{folder}/*.log"]
    rotate: {{keep: 3, compress: after 1, create: "640", reopen: HUP{more}}}
    clean: [{{under: {folder}, names: "*.old", older_than: 1d}}]
    analyse:
      - {{name: words, in: {folder}/app.log, ask: top, by: message}}
    watch: [{{name: errors, pattern: ERROR}}]
"""


def test_rotated_asked_and_counted_by_commands(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    folder.mkdir()
    data = tmp_path / "data"
    (folder / "app.log").touch()
    directory = operations(tmp_path / "ops", POLICY.format(folder=folder, more=""))
    with serving(directory, data) as server, writing(folder / "app.log", 500) as writer:
        wait_until(lambda: server.get("/api/v1/logs")["logs"][0]["counted"] != {}, what="the first look")
        for _ in range(5):
            writer.wrote()
            ended = keepwell("logs", "rotate", "shop", "--data", str(data))
            assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout
        assert "1 file rotated, 1 compressed, 1 removed" in ended.stdout
        written = writer.end()
        told = server.get("/api/v1/logs/shop")
        assert [len(file["rotated"]) for file in told["files"]] == [3]
        assert [done["outcome"] for done in told["work"]["rotation"]] == ["done"] * 5
        wait_until(lambda: server.get("/api/v1/logs")["logs"][0]["counted"]["errors"] == written, what="all lines counted")
        asked = keepwell("logs", "analyse", "shop", "--data", str(data), "--json")
        answer = json.loads(asked.stdout)["details"][0]
        assert answer["rows"] == [["line # ERROR the same words over and over again, so that something can be compressed", answer["lines"]]]
        assert answer["lines"] == len(numbers_in(folder, "app.log"))
        assert keepwell("logs", "list", "--data", str(data)).returncode == 0
        assert "words: 1 different" in keepwell("logs", "show", "shop", "--data", str(data)).stdout
        for path, words in (("/logs", "3 kept"), ("/logs/shop", "words: 1 different"), ("/logs/shop", "app.log.3.gz")):
            with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=10) as page:
                assert words.removeprefix("words: ") in page.read().decode()
        waiting = keepwell("logs", "clean", "shop", "--data", str(data))
        assert (waiting.returncode, "approve" in waiting.stdout) == (1, True), waiting.stdout
        assert keepwell("logs", "clean", "shop", "--dry-run", "--data", str(data)).returncode == 0
        missing = keepwell("logs", "rotate", "gone", "--data", str(data))
        assert (missing.returncode, missing.stderr.splitlines()[0]) == (2, "no logs are called gone")


def test_what_is_not_accepted_does_not_run(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    folder.mkdir()
    (folder / "app.log").write_text("a line\n")
    text = POLICY.format(folder=folder, more="").replace("reopen: HUP", f"then: touch {tmp_path}/ran")
    directory = operations(tmp_path / "ops", text)
    with serving(directory, tmp_path / "data") as server:
        refused = keepwell("logs", "rotate", "shop", "--data", str(server.data))
        assert refused.returncode == 1
        assert "logs.shop.rotate.then may not run" in refused.stdout
        assert (folder / "app.log").read_text() == "a line\n"
        assert keepwell("accept", str(directory), "--yes").returncode == 0
        assert keepwell("reload", "--data", str(server.data)).returncode == 0
        assert keepwell("logs", "rotate", "shop", "--data", str(server.data)).returncode == 0
        assert (tmp_path / "ran").exists()


def test_a_folder_of_thousands_of_files_is_shown_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    folder.mkdir()
    for number in range(4000):
        (folder / f"app-{number:04}.log").touch()
    directory = operations(tmp_path / "ops", POLICY.format(folder=folder, more="").replace("analyse:", "analyse: []").split("      - {")[0])
    with (folder / "app-0000.log").open("a"), serving(directory, tmp_path / "data") as server:
        told = server.get("/api/v1/logs/shop")  # within ten seconds
        assert (len(told["files"]), told["more"]) == (100, 3900)
        assert [len(one["writers"]) for one in told["files"]] == [1, *[0] * 99]
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/logs/shop", timeout=10) as page:
            assert "and 3,900 more files" in page.read().decode()
        assert "and 3900 more files" in keepwell("logs", "show", "shop", "--data", str(server.data)).stdout
