"""keepwell import and keepwell fill as a user runs them: once, again after changes on both sides, cut off, against links, at a terminal."""

import asyncio
import fcntl
import json
import os
import pty
import select
import shlex
import signal
import stat
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from keepwell.composition import verbs
from keepwell.kernel.problems import ConfigurationError, UsageError
from keepwell.kernel.rendering import render_text
from keepwell.ports.offer import Call, Subcommand
from keepwell.rooms.manual.importing import offer
from keepwell.rooms.manual.importing.folder import Folder, open_folder
from keepwell.rooms.manual.importing.keep import kept_path, read_kept
from keepwell.rooms.manual.importing.merge_files import Merging
from keepwell.rooms.manual.importing.work import Request, prepare, write

MANUAL = """\
# Shop - Operations

## Daily health checks

```bash
curl -fsS http://127.0.0.1:8080/health
df -h /srv/shop
curl -fsS https://yourdomain.com/status
```

## Weekly Maintenance Tasks

```bash
logrotate /etc/logrotate.d/shop
curl -X POST -d done "$ALERT_WEBHOOK"
```
"""


class Spoken:
    """An Output that keeps what was said."""

    colours = False

    def __init__(self, wants_json: bool = False) -> None:
        self.wants_json = wants_json
        self.lines: list[str] = []
        self.values: list[dict[str, object]] = []

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def say(self, text: str = "", *, style: str = "") -> None:
        self.lines.append(text)

    def table(self, columns: object, rows: list[list[str]], *, styles: object = ()) -> None:
        self.lines += [" ".join(row) for row in rows]

    def data(self, value: dict[str, object]) -> None:
        self.values.append(value)


def valid(directory: Path) -> None:
    verbs.validate(str(directory))


class Desk:
    """A manual, an operations directory, a data directory, and the commands."""

    def __init__(self, root: Path) -> None:
        self.manual, self.ops, self.data = root / "OPS.md", root / "ops", root / "data"
        self.manual.write_text(MANUAL, "utf-8")
        self.commands: Mapping[str, Subcommand] = {
            command.name: command for command in offer.commands(lambda data: Path(data or ""), None, valid)
        }

    async def run(self, name: str, *, as_json: bool = False, **arguments: object) -> tuple[int, Spoken]:
        spoken = Spoken(as_json)
        given: dict[str, object] = {"data": str(self.data), **arguments}
        return await self.commands[name].run(Call(given, spoken)), spoken  # type: ignore[arg-type]

    async def import_(self, *, diff: bool = False, every: str | None = None, as_json: bool = False) -> tuple[int, Spoken]:
        return await self.run("import", manual=str(self.manual), output=str(self.ops), every=every, diff=diff, as_json=as_json)

    async def fill(self, *settings: str) -> tuple[int, Spoken]:
        return await self.run("fill", directory=str(self.ops), settings=list(settings) or None)

    def change(self, path: str, before: str, after: str) -> None:
        file = self.manual if path == "OPS.md" else self.ops / path
        text = file.read_text("utf-8")
        assert before in text, f"{before!r} in\n{text}"
        file.write_text(text.replace(before, after), "utf-8")

    def files(self) -> dict[str, str]:
        return {path.relative_to(self.ops).as_posix(): path.read_text("utf-8") for path in self.ops.rglob("*") if path.is_file()}

    @property
    def configuration(self) -> str:
        return (self.ops / "keepwell.yaml").read_text("utf-8")

    @property
    def checks(self) -> dict[str, dict[str, object]]:
        return dict(yaml.safe_load(self.configuration)["checks"])


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


async def test_commands_that_are_told_can_be_copied_for_any_directory(desk: Desk) -> None:
    desk.ops = desk.ops.with_name("the ops' own")
    _, spoken = await desk.import_()
    assert f"keepwell plan {shlex.quote(str(desk.ops))}  " in spoken.text


async def test_a_manual_without_a_check_is_accepted_and_run_too(desk: Desk) -> None:
    desk.manual.write_text("# Shop\n\n## Weekly work\n\n```bash\n# Count\nls /srv/shop\n```\n", "utf-8")
    _, spoken = await desk.import_()
    assert "0 checks" in spoken.lines[0]
    assert f"keepwell accept {desk.ops}" in spoken.text
    assert "begins what is due, and shows it on a page" in spoken.text
    assert "keepwell check" not in spoken.text


async def test_an_address_is_no_domain_that_other_names_are_built_with(desk: Desk) -> None:
    urls = ("https://yourdomain.com/a", "https://api.yourdomain.com/b")
    desk.manual.write_text("# Shop\n\n```bash\n" + "".join(f"curl -f {url}\n" for url in urls) + "```\n", "utf-8")
    await desk.import_()
    with pytest.raises(UsageError, match="expected a host name, since the manual writes others in front of it"):
        await desk.fill("YOURDOMAIN_COM=10.0.0.1")
    await desk.fill("YOURDOMAIN_COM=shop.internal")
    assert "https://api.shop.internal" in desk.configuration


async def test_the_name_of_a_secret_that_is_missing_hides_no_words(desk: Desk) -> None:
    desk.manual.write_text('# Shop\n\n```bash\ncurl -f -H "X-Key: $SHOP_API_KEY" https://yourdomain.com/status\n```\n', "utf-8")
    await desk.import_()
    assert "# waiting: the check of line 4" in desk.configuration
    assert "SHOP_API_KEY" in desk.configuration
    _, spoken = await desk.fill("YOURDOMAIN_COM=shop.internal")
    assert "(keepwell fill asks for it)" in spoken.text
    assert "[redacted]" not in spoken.text


async def test_an_import_says_what_it_wrote_and_what_waits(desk: Desk) -> None:
    code, spoken = await desk.import_()
    assert code == 0, spoken.text
    assert {"keepwell.yaml", "import-report.json", "import-report.html"} <= set(desk.files())
    assert any(path.startswith("runbooks/") for path in desk.files())
    verbs.validate(str(desk.ops))
    assert "checks" in spoken.lines[0]
    assert "keepwell fill" in spoken.text
    assert f"keepwell plan {desk.ops}" in spoken.text
    assert f"keepwell up {desk.ops}" in spoken.text
    assert f"Nobody is told of alerts so far: write the section receivers into {desk.ops}/keepwell.yaml" in spoken.text
    assert sorted(os.listdir(desk.ops)) == ["import-report.html", "import-report.json", "keepwell.yaml", "runbooks"]
    kept = kept_path(desk.data, desk.ops)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == stat.S_IMODE(desk.data.stat().st_mode) == 0o700


async def test_importing_again_changes_no_byte(desk: Desk) -> None:
    await desk.import_()
    desk.change("keepwell.yaml", "every: 30s", "every: 45s  # ours")
    before = desk.files()
    code, spoken = await desk.import_()
    assert code == 0
    assert "nothing changed" in spoken.text
    assert desk.files() == before
    assert (await desk.import_(diff=True))[0] == 0


async def test_what_both_changed_is_merged(desk: Desk) -> None:
    await desk.import_()
    desk.change("keepwell.yaml", "every: 30s", "every: 45s  # ours")
    desk.change("OPS.md", "df -h /srv/shop", "df -h /srv/shop\npgrep -f shopd")
    untouched = desk.files()
    code, spoken = await desk.import_(diff=True)
    assert (code, desk.files()) == (1, untouched)
    assert any("shopd" in line for line in spoken.lines if line.startswith("+"))
    code, spoken = await desk.import_()
    assert code == 0, spoken.text
    assert "every: 45s  # ours" in desk.configuration
    assert "shopd" in desk.configuration
    verbs.validate(str(desk.ops))


async def test_files_with_line_ends_of_another_system_are_merged(desk: Desk) -> None:
    await desk.import_()
    for path in (desk.ops / "keepwell.yaml", *(desk.ops / "runbooks").iterdir()):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert (await desk.import_())[0] == 0
    before = (desk.ops / "keepwell.yaml").read_bytes()
    assert before.count(b"\r\n") == before.count(b"\n")
    desk.change("OPS.md", "df -h /srv/shop", "df -h /srv/shop\npgrep -f shopd")
    code, spoken = await desk.import_()
    assert code == 0, spoken.text
    after = (desk.ops / "keepwell.yaml").read_bytes()
    assert b"shopd" in after
    assert after.count(b"\r\n") == after.count(b"\n")
    verbs.validate(str(desk.ops))


async def test_a_conflict_is_marked_told_and_kept_out_of_force(desk: Desk) -> None:
    await desk.import_()
    runbook = next(path for path in desk.files() if "logrotate" in desk.files()[path] and path.startswith("runbooks/"))
    desk.change(runbook, "logrotate /etc/logrotate.d/shop", "logrotate -v /etc/logrotate.d/shop")
    desk.change("OPS.md", "logrotate /etc/logrotate.d/shop", "logrotate --force /etc/logrotate.d/shop")
    code, spoken = await desk.import_()
    assert code == 1
    assert f"{runbook} " in spoken.text
    text = desk.files()[runbook]
    assert "<<<<<<< yours" in text
    assert text.count("```text conflict: ") == 2
    assert json.loads(desk.files()["import-report.json"])["merge"][0]["file"] == runbook
    assert "logrotate -v" in desk.files()["import-report.html"]
    assert (await desk.import_())[0] == 0, "marked once; the user settles it"
    assert desk.files()[runbook] == text


async def test_what_the_user_removed_stays_removed_and_what_the_manual_removed_goes(desk: Desk) -> None:
    await desk.import_()
    runbooks = [path for path in desk.files() if path.startswith("runbooks/")]
    weekly = next(path for path in runbooks if "logrotate" in desk.files()[path])
    (desk.ops / weekly).unlink()
    desk.change("OPS.md", "# Shop - Operations", "# Shop - Operations\n\nA line more.")
    await desk.import_()
    assert weekly not in desk.files()
    desk.change("OPS.md", "df -h /srv/shop\n", "")
    assert any("df" in str(check) or "host" in check for check in desk.checks.values())
    await desk.import_()
    assert not any("host" in check for check in desk.checks.values())


async def test_two_changes_that_do_not_go_together_leave_a_valid_directory(desk: Desk) -> None:
    await desk.import_()
    name = next(name for name, check in desk.checks.items() if "host" in check)
    base = desk.configuration
    merging = Merging(Folder(desk.ops, -1), valid)
    mine = base.replace("mount: /srv/shop", "mount: /srv/shop, inodes: true, bogus: 1")
    theirs = base.replace("every: 1m", "every: 2m")
    assert merging.merge_file("keepwell.yaml", base, mine, theirs).text.count("bogus") == 1, "it was not valid before: merged all the same"
    mine, theirs = base.replace("every: 1m", "every: 1m\n    fail_after: 3"), base.replace("mount: /srv/shop", "mount: /srv/shop, bogus: 1")
    merged = merging.merge_file("keepwell.yaml", base, mine, theirs)
    assert "bogus" not in str(yaml.safe_load(merged.text))
    assert merged.clashes
    assert name in merged.text
    assert not (desk.ops / ".validate").exists()


async def test_on_another_machine_what_differs_is_a_conflict_and_nothing_is_lost(desk: Desk) -> None:
    await desk.import_()
    kept_path(desk.data, desk.ops).unlink()
    desk.change("keepwell.yaml", "every: 30s", "every: 45s")
    code, _ = await desk.import_()
    assert code == 1
    assert "# import proposes: every: 30s" in desk.configuration
    assert "every: 45s" in desk.configuration


@pytest.mark.parametrize("files", [{"notes.txt": "mine"}, {"keepwell.yaml": "keepwell: 1\nservice: x\n"}])
async def test_a_directory_that_no_import_made_is_left_alone(desk: Desk, files: dict[str, str]) -> None:
    desk.ops.mkdir()
    for name, text in files.items():
        (desk.ops / name).write_text(text, "utf-8")
    with pytest.raises(UsageError, match="never overwrites"):
        await desk.import_()
    assert desk.files() == files


async def test_another_manual_needs_a_directory_of_its_own(desk: Desk) -> None:
    await desk.import_()
    before = desk.files()
    desk.manual = desk.manual.with_name("other.md")
    desk.manual.write_text("# Mail\n\n```sh\ndf -h /var/mail\n```\n", "utf-8")
    with pytest.raises(UsageError, match=r"was imported from OPS\.md"):
        await desk.import_()
    assert desk.files() == before
    desk.manual.write_text(MANUAL, "utf-8")
    assert (await desk.import_())[0] == 0, "renamed, it is the same manual"


@pytest.mark.parametrize("place", ["keepwell.yaml", "runbooks", "import-report.json"])
async def test_no_link_leads_out_of_the_directory(desk: Desk, place: str, tmp_path: Path) -> None:
    await desk.import_()
    outside = tmp_path / "outside"
    target = desk.ops / place
    target.rename(outside)
    target.symlink_to(outside)
    before = {path: path.read_bytes() for path in outside.rglob("*")} if outside.is_dir() else outside.read_bytes()
    desk.change("OPS.md", "/etc/logrotate.d/shop", "/etc/logrotate.d/shop2")
    with pytest.raises(UsageError, match=r"symbolic link|no import of"):
        await desk.import_()
    assert ({path: path.read_bytes() for path in outside.rglob("*")} if outside.is_dir() else outside.read_bytes()) == before


@pytest.mark.parametrize("path", ["../x", "/etc/x", "runbooks/../../x", "a/..", "", "."])
async def test_no_name_climbs_out(desk: Desk, path: str) -> None:
    desk.ops.mkdir()
    with open_folder(desk.ops, make=False) as folder, pytest.raises(UsageError):
        folder.write(path, "x")


async def test_every_and_the_rest_of_the_answer(desk: Desk) -> None:
    code, spoken = await desk.import_(every="10s", as_json=True)
    assert code == 0
    (answer,) = spoken.values
    assert answer["written"] == str(desk.ops / "keepwell.yaml")
    assert {"told", "summary", "items", "missing", "merge", "changed"} <= set(answer)
    assert {check["every"] for check in desk.checks.values()} == {"10s"}
    await desk.import_()
    assert {check["every"] for check in desk.checks.values()} == {"10s"}, "as at the last import"
    with pytest.raises(UsageError, match="--every"):
        await desk.import_(every="often")


async def test_a_manual_without_anything_to_do_is_the_answer_no(desk: Desk) -> None:
    desk.manual.write_text("# Nothing\n\nWords.\n", "utf-8")
    assert (await desk.import_())[0] == 1


# --- fill --------------------------------------------------------------------------------------------------------------------


async def test_no_secret_of_a_manual_or_a_file_is_printed(desk: Desk) -> None:
    token = "ghp_" + "a1B2c3D4" * 5
    desk.change("OPS.md", "curl -X POST", f"curl -X POST -H 'Authorization: Bearer {token}'")
    _, first = await desk.import_()
    desk.change("OPS.md", "-d done", "-d ended")
    runbook = next(path for path, text in desk.files().items() if path.startswith("runbooks/") and "-d done" in text)
    desk.change(runbook, "-d done", "-d mine")
    _, shown = await desk.import_(diff=True)
    _, told = await desk.import_(as_json=True)
    _, listed = await desk.fill()
    for spoken in (first, shown, told, listed):
        assert token not in spoken.text + json.dumps(spoken.values)
    assert token not in desk.files()["import-report.json"] + desk.files()["import-report.html"] + desk.configuration


async def test_fill_lists_what_is_missing_where_nobody_can_answer(desk: Desk) -> None:
    await desk.import_()
    code, spoken = await desk.fill()
    assert code == 1
    assert "YOURDOMAIN_COM" in spoken.text
    assert "ALERT_WEBHOOK" in spoken.text
    assert "--set NAME=secret:file:/path" in spoken.text


async def test_a_value_makes_a_check_of_what_waited_and_hand_edits_stay(desk: Desk) -> None:
    await desk.import_()
    assert "shop.internal" not in desk.configuration
    desk.change("keepwell.yaml", "every: 30s", "every: 45s  # ours")
    code, spoken = await desk.fill("YOURDOMAIN_COM=shop.internal")
    assert code == 1, "the secret is still missing"
    assert "https://shop.internal" in desk.configuration
    assert "every: 45s  # ours" in desk.configuration
    code, spoken = await desk.fill("ALERT_WEBHOOK=secret:ALERT_WEBHOOK")
    assert code == 0, spoken.text
    assert "Nobody is told" in spoken.text
    (desk.ops / "keepwell.yaml").write_text(desk.configuration + "receivers: {team: {webhook: {url: http://127.0.0.1:9/}}}\n")
    assert "Nobody is told" not in (await desk.import_())[1].text
    assert (await desk.fill())[0] == 0
    code, _ = await desk.fill("YOURDOMAIN_COM=other.internal")
    assert code == 0
    assert "https://other.internal" in desk.configuration
    assert "shop.internal" not in desk.configuration
    await desk.import_()
    assert "https://other.internal" in desk.configuration, "import reads values.yaml"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('YOURDOMAIN_COM: "x; rm -rf /"', "expected a host name"),
        ("YOURDOMAIN_COM: secret:HOST", "no secret"),
        ("ALERT_WEBHOOK: https://hooks.internal/very-secret", "it is a secret"),
    ],
)
async def test_values_written_by_hand_are_judged_too(desk: Desk, line: str, said: str) -> None:
    desk.ops.mkdir()
    (desk.ops / "values.yaml").write_text(f"{line}\n", "utf-8")
    with pytest.raises(ConfigurationError, match=said) as caught:
        await desk.import_()
    assert "very-secret" not in render_text(caught.value.problems)
    assert list(desk.files()) == ["values.yaml"]


async def test_a_check_takes_its_secret_from_where_it_was_filled_in(desk: Desk) -> None:
    asks = 'PGPASSWORD=$DB_PASSWORD psql -h db.internal -U shop -c "SELECT count(*) FROM pg_stat_activity"'
    desk.manual.write_text(f"# Shop\n\n## Daily checks\n\n```bash\n{asks}\n```\n", "utf-8")
    await desk.import_()
    code, spoken = await desk.fill("DB_PASSWORD=secret:file:/run/shop/password")
    assert code == 0, spoken.text
    assert "secret:file:/run/shop/password" in str(desk.checks)
    assert "secret:DB_PASSWORD" not in str(desk.checks)
    verbs.validate(str(desk.ops))


async def test_fill_needs_an_import(desk: Desk) -> None:
    desk.ops.mkdir()
    with pytest.raises(UsageError, match="nothing was imported"):
        await desk.fill()


PROGRAM = """
import sys
from pathlib import Path
from keepwell.cli.program import run
from keepwell.rooms.manual.importing import offer
raise SystemExit(run(offer.commands(lambda data: Path(data)), "test", sys.argv[1:]))
"""


class Terminal:
    """The program at a terminal of its own; killed at the end, if it is still there."""

    def __init__(self, *arguments: str) -> None:
        self.master, slave = pty.openpty()

        def own_terminal() -> None:
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *arguments], stdin=slave, stdout=slave, stderr=slave, preexec_fn=own_terminal
        )
        os.close(slave)
        self.shown = ""
        self.at = 0

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait(30)
        os.close(self.master)

    def until(self, text: str) -> None:
        """Reads until the text is shown, behind what was waited for before."""
        end = time.monotonic() + 60
        while text not in self.shown[self.at :]:
            assert time.monotonic() < end, self.shown
            if select.select([self.master], [], [], 1)[0]:
                self.shown += os.read(self.master, 4096).decode()
        self.at = self.shown.index(text, self.at) + len(text)

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def end(self) -> int:
        try:
            while part := os.read(self.master, 4096):
                self.shown += part.decode()
        except OSError:  # the other end is closed
            pass
        return self.process.wait(30)


async def test_at_a_terminal_each_is_asked_and_a_secret_is_not_shown(desk: Desk) -> None:
    await desk.import_()
    with Terminal("fill", str(desk.ops), "--data", str(desk.data)) as terminal:
        terminal.until("YOURDOMAIN_COM (Enter: later): ")
        terminal.type("not a host\n")
        terminal.until("Not taken")
        terminal.until("YOURDOMAIN_COM (Enter: later): ")
        terminal.type("shop.internal\n")
        terminal.until("ALERT_WEBHOOK (Enter: later): ")
        terminal.type("https://hooks.example.org/very-secret\n")
        assert terminal.end() == 0, terminal.shown
    assert "line 8: curl -fsS https://yourdomain.com/status" in terminal.shown
    assert "very-secret" not in terminal.shown
    holders = [path for path, text in desk.files().items() if "very-secret" in text]
    assert holders == ["secrets/ALERT_WEBHOOK"]
    kept = read_kept(desk.data, desk.ops)
    assert kept
    assert "very-secret" not in str(kept.files)
    assert "shop.internal" in desk.configuration


async def test_ctrl_c_keeps_what_was_answered(desk: Desk) -> None:
    await desk.import_()
    with Terminal("fill", str(desk.ops), "--data", str(desk.data)) as terminal:
        terminal.until("YOURDOMAIN_COM (Enter: later): ")
        terminal.type("shop.internal\n")
        terminal.until("ALERT_WEBHOOK (Enter: later): ")
        terminal.type("\x03")
        assert terminal.end() == 1, terminal.shown
    assert "shop.internal" in desk.configuration


# --- cut off -----------------------------------------------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from pathlib import Path
from keepwell.rooms.manual.importing.merge_files import Merging
from keepwell.rooms.manual.importing.work import Request, prepare, write
work = prepare(Request(Path(sys.argv[2]), Path(sys.argv[3])), Path(sys.argv[1]).read_bytes(), "OPS.md")
left, real, replace = int(sys.argv[4]), {"replace": os.replace, "fsync": os.fsync}, os.replace
def cut(name):
    def call(*arguments, **more):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real[name](*arguments, **more)
    return call
os.replace, os.fsync = cut("replace"), cut("fsync")
write(work)
"""


async def test_a_kill_leaves_each_file_old_or_new_and_importing_again_completes_it(desk: Desk, tmp_path: Path) -> None:
    await desk.import_()
    desk.change("keepwell.yaml", "every: 30s", "every: 45s  # ours")
    desk.change("OPS.md", "df -h /srv/shop", "df -h /srv/shop2")
    desk.change("OPS.md", "logrotate.d/shop", "logrotate.d/shop2")
    old = desk.files()
    new = {change.path: change.after for change in prepare(Request(desk.ops, desk.data), desk.manual.read_bytes(), "OPS.md").changes}
    assert len(new) >= 4
    for moment in (0, 1, 3, 4, 5, 7, 8, 9):
        arguments = (str(desk.manual), str(desk.ops), str(desk.data), str(moment))
        ended = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, *arguments)
        code = await ended.wait()
        if code == 0:
            break
        assert code == -signal.SIGKILL
        for path, text in desk.files().items():
            if not path.startswith(".keepwell-import/"):
                assert text in (old.get(path), new.get(path)), f"{path} after {moment}"
        assert yaml.safe_load(desk.configuration)
    write(prepare(Request(desk.ops, desk.data), desk.manual.read_bytes(), "OPS.md"))
    after = desk.files()
    assert {path: after.get(path) for path in new if "report" not in path} == {
        path: text for path, text in new.items() if "report" not in path
    }
    assert not any(path.startswith(".keepwell-import") for path in os.listdir(desk.ops))


async def test_two_at_once_do_not_mix(desk: Desk) -> None:
    await desk.import_()
    with open_folder(desk.ops, make=False), pytest.raises(UsageError, match="at this moment"):
        await desk.import_()
