"""Backups of a real ``keepwell up``, by the commands, the API and the page."""

import getpass
import json
import os
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backups import fill
from tests.serving import Served, keepwell, operations
from tests.support import wait_until

TEXT = """\
keepwell: 1
service: shop
checks: {{}}
backups:
  settings:
    files: {{paths: [{source}]}}
    to: here
    every: "Sunday 02:00"
    keep: {{last: 2}}
    prove: {{every: monthly, questions: [{{text: "{source}/conf/shop.conf", holds: "listen = [0-9]+"}}]}}
  signing-key: {{files: {{paths: [{source}/conf]}}, to: here}}
  base: {{postgres: {{database: shop}}, to: here, every: daily}}
repositories:
  here: {{archive: {{path: {repository}}}}}
objectives:
  settings: {{rto: 1h, rpo: 1d}}
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("backups")
    fill(folder / "source")
    directory = operations(folder / "ops", TEXT.format(source=folder / "source", repository=folder / "repository"))
    server = Served(directory, folder / "data").ready()
    yield server
    server.stop()


def told(server: Served, *arguments: str, code: int = 0) -> str:
    done = keepwell("backups", *arguments, "--data", str(server.data))
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def page(server: Served, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=10) as answer:
        return str(answer.read().decode())


def test_a_backup_is_made_proved_shown_and_restored_by_commands(served: Served, tmp_path: Path) -> None:
    source = served.directory.parent / "source"
    before = json.loads(told(served, "list", "--json"))["backups"]
    assert [(one["name"], one["state"]) for one in before] == [("settings", "none"), ("signing-key", "none"), ("base", "waits")]
    assert "no copy was made yet" in told(served, "show", "signing-key")  # and not the key that signs
    assert "4 files with 2.005 MB" in told(served, "run", "settings")
    assert "4 files" not in told(served, "run", "base", code=1)
    assert re.search(r"is proven in [1-9][0-9.]* m?s: ", told(served, "prove", "settings"))
    assert "no backup" in keepwell("backups", "run", "other", "--data", str(served.data)).stderr
    shown = json.loads(told(served, "show", "settings", "--json"))
    assert shown["state"] == "proven"
    assert 0 < shown["recovery_seconds"] < 60
    assert [copy["kept"] for copy in shown["copies_there"]] == ["the newest"]
    assert [run["kind"] for run in shown["runs"]] == ["proof", "backup"]
    assert {run["by"] for run in shown["runs"]} == {getpass.getuser()}
    assert "there is no copy" in keepwell("backups", "prove", "settings", "--copy", "other", "--data", str(served.data)).stderr
    assert json.loads(told(served, "show", "settings", "--json"))["state"] == "proven"  # what was mistyped is no failed proof
    mistaken = keepwell("run", "settings", "--data", str(served.data))
    assert (mistaken.returncode, "did you mean backups/settings" in mistaken.stderr) == (2, True)
    listed = told(served, "list")
    assert "(promised 1h, met)" in listed
    assert "(promised 1d, met)" in listed
    restored = told(served, "restore", "settings", "--directory", str(served.directory), "--to", str(tmp_path / "back"))
    assert "members of the copy" in restored
    assert (tmp_path / "back" / str(source).lstrip("/") / "conf" / "shop.conf").read_bytes() == b"listen = 3001\n"


def test_restoring_writes_over_nothing_and_needs_neither_server_nor_directory(served: Served, tmp_path: Path) -> None:
    told(served, "run", "settings")
    source, repository = served.directory.parent / "source", served.directory.parent / "repository"
    to, elsewhere = tmp_path / "back", tmp_path / "no-data"
    key = tmp_path / "signer.pem"
    key.write_text(told(served, "key"))
    given = ("restore", "settings", "--repository", str(repository), "--to", str(to))
    done = keepwell("backups", *given, "--data", str(elsewhere), "--only", f"{source}/conf/key")
    assert done.returncode == 0, done.stderr
    assert "1 member of the copy" in done.stdout
    assert "who signed it was not looked at" in done.stdout
    assert [one.name for one in to.rglob("*") if one.is_file()] == ["key"]
    again = keepwell("backups", *given, "--data", str(elsewhere))
    assert again.returncode == 2
    assert "is not empty, and nothing is written over" in again.stderr
    signed = keepwell("backups", *given[:-1], str(tmp_path / "signed"), "--key", str(key), "--data", str(elsewhere))
    assert signed.returncode == 0, signed.stderr
    assert "was not looked at" not in signed.stdout
    garbage = keepwell("backups", *given[:-1], str(tmp_path / "garbage"), "--key", str(source / "big"), "--data", str(elsewhere))
    assert garbage.returncode == 2
    assert "big holds no public key" in garbage.stderr
    nothing = keepwell("backups", *given[:-1], str(tmp_path / "none"), "--only", "/not/there", "--data", str(elsewhere))
    assert nothing.returncode == 2
    assert "holds nothing of /not/there" in nothing.stderr
    where = keepwell("backups", "restore", "settings", "--to", str(tmp_path / "x"))
    assert "--directory OPS or --repository FOLDER" in where.stderr


def test_objectives_tasks_and_pages_tell_of_it(served: Served) -> None:
    told(served, "run", "settings")
    told(served, "prove", "settings")
    found = {one["kind"]: one for one in served.get("/api/v1/objectives")["objectives"]}
    assert found["rto"]["verdict"] == found["rpo"]["verdict"] == "met"
    assert found["rto"]["by"] == "settings"
    names = [one["name"] for one in served.get("/api/v1/tasks")["tasks"]]
    assert sorted(names) == ["backups/settings", "proofs/settings"]  # what can never be made does not recur
    assert "this version makes no backups of the kind postgres" in page(served, "/backups")
    assert "the newest" in page(served, "/backups/settings")
    newest = served.get("/api/v1/backups/settings")["runs"][0]
    assert "<h1><bdi>settings</bdi></h1>" in page(served, f"/backups/runs/{newest['id']}"), "the record that a task names has a page"
    valid = keepwell("validate", str(served.directory))
    assert valid.returncode == 0
    assert "the backup base is never made" in valid.stderr


def test_a_server_killed_in_the_middle_claims_no_copy_and_goes_on(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    fill(tmp_path / "source")
    (tmp_path / "source" / "large").write_bytes(os.urandom(60_000_000))
    directory = operations(tmp_path / "ops", TEXT.format(source=tmp_path / "source", repository=tmp_path / "repository"))
    repository, made = tmp_path / "repository", 0
    for _ in range(5):  # on a busy machine a copy may be finished before the kill: then it counts, and another one is begun
        server = Served(directory, tmp_path / "data").ready()
        request.addfinalizer(server.stop)
        told(server, "run", "settings", "--no-wait")
        wait_until(lambda: bool(list(repository.glob("settings/.unfinished-*/archive*"))), what="a copy that is being written")
        server.kill()
        before, made = made, len(list(repository.glob("settings/2*")))
        if made == before:
            break
    assert made == before
    again = Served(directory, tmp_path / "data").ready()
    request.addfinalizer(again.stop)
    shown = json.loads(told(again, "show", "settings", "--json", code=1))
    assert shown["copies"] == made
    assert shown["runs"][0]["state"] == "cut off"
    assert "was cut off" in shown["sentence"]
    assert "files with 62" in told(again, "run", "settings")
    assert [one.name for one in (tmp_path / "repository" / "settings").glob(".*")] == [".lock"]
    told(again, "prove", "settings")
