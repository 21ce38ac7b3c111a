"""docs/first-hour.md is true: its commands are run in their order against the laboratory, and print what it shows.

A comment before a block of the document, which nobody sees on the page, says what becomes of it: ``elsewhere`` (not run here), ``terminal
NAME`` (goes on beside the rest), ``typed NAME`` (typed into it), ``seen NAME`` (what it has printed), ``file PATH``, ``append PATH``,
``exit CODE``, and ``within SECONDS`` (asked again until it is so). One before a picture says of which page it is, and how high; with
KEEPWELL_PICTURES=1 it is taken anew. Of what a command prints, the document shows lines in their order; one
that ends in an ellipsis is the beginning of a line. Figures, lengths of time and instants are others each time, and are not compared.
"""

import getpass
import os
import re
import secrets
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.serving import KEEPWELL, environment
from tests.support import free_port, need, outside

REPOSITORY = Path(__file__).resolve().parents[2]
DOCUMENT = REPOSITORY / "docs" / "first-hour.md"
PORTS = ("3001", "9000", "8750")
"""The service's, the listener's and Keepwell's, as the document has them."""
PATIENCE = 60.0
ADA = "/home/ada"
_BLOCK = re.compile(r"(?:<!-- (?P<mark>[^>]+) -->\n\n?)?```(?P<language>\w+)\n(?P<body>.*?)\n```", re.DOTALL)
_NUMBER = re.compile(r"-?[0-9][0-9.,]*(?: ?(?:ms|µs|s|min|h|d|kB|MB|GB|KiB|MiB|GiB|B|%)\b)?")
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?: ?UTC|Z)?")
_PICTURE = re.compile(r"<!-- page (?P<page>\S+), height (?P<height>[0-9]+) -->\n\n!\[[^\]]+\]\((?P<file>pictures/[a-z-]+\.png)\)")
_AS_ADA = """(words) => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode())
    for (const [real, written] of words) node.data = node.data.replaceAll(real, written);
}"""
_WITHOUT_DATA = "lint explain validate plan accept check"


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of the document and what its comment says of it."""

    marks: dict[str, str]
    language: str
    lines: tuple[str, ...]

    def commands(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Each command with the lines that it is shown to print."""
        command = ""
        shown: list[str] = []
        for line in (*self.lines, "$ "):
            if line.startswith("$ "):
                if command:
                    yield command, tuple(shown)
                command, shown = line[2:], []
            else:
                shown.append(line)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a page, so many pixels high."""

    page: str
    height: int
    file: str


def blocks(text: str) -> tuple[Block | Picture, ...]:
    """All fenced blocks and pictures, in their order."""
    found: dict[int, Block | Picture] = {}
    for match in _BLOCK.finditer(text):
        marks = dict([*mark.strip().split(" ", 1), ""][:2] for mark in (match["mark"] or "").split(",") if mark.strip())
        found[match.start()] = Block(marks, match["language"], tuple(match["body"].splitlines()))
    for match in _PICTURE.finditer(text):
        found[match.start()] = Picture(match["page"], int(match["height"]), match["file"])
    return tuple(block for _, block in sorted(found.items()))


@dataclass
class Hour:
    """A user's home: Keepwell and the laboratory as the document has them, its ports put in place of those that are written."""

    home: Path
    ports: dict[str, str]
    terminals: dict[str, tuple[subprocess.Popen[str], Path]] = field(default_factory=dict)

    def prepare(self) -> None:
        """What "Installing" leaves: ~/kw with the programs, ~/keepwell with the checkout, and the manual."""
        programs = self.home / "kw" / "bin"
        programs.mkdir(parents=True)
        data = self.home / ".local" / "share" / "keepwell"  # root's would be one for the whole machine
        listen = f'set -- "$@" --listen 127.0.0.1:{self.ports["8750"]}'
        chosen = f'case "$1" in {_WITHOUT_DATA.replace(" ", "|")}) ;; up) {listen} --data {data} ;; *) set -- "$@" --data {data} ;; esac'
        for name, text in (("keepwell", f'{chosen}\nexec {KEEPWELL} "$@"'), ("python", f'exec {Path(KEEPWELL).with_name("python")} "$@"')):
            (programs / name).write_text(f"#!/bin/sh\n{text}\n")
            (programs / name).chmod(0o755)
        (self.home / "keepwell").symlink_to(REPOSITORY)
        manual = outside("manuals", "audiodeck-connect.md")
        (self.home / manual.name).write_text(self.here(manual.read_text("utf-8")), "utf-8")

    @property
    def environment(self) -> dict[str, str]:
        path = f"{self.home}/kw/bin:{self.home}/host/bin:{os.environ['PATH']}"
        return environment(HOME=str(self.home), PATH=path, COLUMNS="120", LC_ALL="C.UTF-8", USER=getpass.getuser())

    def here(self, text: str) -> str:
        """What the document has written, for this home and its ports."""
        for written, port in self.ports.items():
            text = re.sub(rf"\b{written}\b", port, text)
        return text.replace(ADA, str(self.home))

    def plain(self, line: str) -> str:
        """A printed line as it is compared: as if it were Ada's, without figures and columns."""
        line = line.replace(str(self.home), ADA).replace(str(self.home)[1:].replace("/", "-"), ADA[1:].replace("/", "-"))
        for written, port in self.ports.items():
            line = re.sub(rf"\b{port}\b", written, line)
        line = re.sub(rf"\b{getpass.getuser()}\b", "ada", line)
        line = re.sub(r"(?:# ?)+", "#", _NUMBER.sub("#", _INSTANT.sub("INSTANT", line)))
        return " ".join(line.replace(", # warn", "").split())  # whether this machine's packages are new is its own affair

    def missing(self, shown: Sequence[str], printed: str) -> str:
        """The first line of the document that was not printed behind those before it; empty where all were."""
        real = iter([self.plain(line) for line in printed.splitlines()])
        for line in shown:
            wanted = self.plain(line)
            if wanted in ("", "…"):
                continue
            if not any(each.startswith(wanted[:-1].rstrip()) if wanted.endswith("…") else each == wanted for each in real):
                return line
        return ""

    def do(self, block: Block) -> None:
        """Does what a block says."""
        marks = block.marks
        if "elsewhere" in marks:
            return
        if "file" in marks or "append" in marks:
            name = marks.get("file") or marks["append"]
            with (self.home / name).open("a" if "append" in marks else "w") as file:
                file.write(self.here("\n".join(block.lines)) + "\n")
        elif "typed" in marks:
            process, _ = self.terminals[marks["typed"]]
            assert process.stdin is not None
            process.stdin.write("\n".join(block.lines) + "\n")
            process.stdin.flush()
        elif "seen" in marks:
            self._await(marks["seen"], block.lines)
        elif block.language == "console":
            for command, shown in block.commands():
                self._run(command, shown, marks)

    def show(self, picture: Picture) -> None:
        """The page is there; takes its picture where that is wanted, as if it were Ada's."""
        address = f"http://127.0.0.1:{self.ports['8750']}{picture.page}"
        with urllib.request.urlopen(address, timeout=30) as answer:
            assert "audiodeck-connect" in answer.read().decode(), picture.page
        if not os.environ.get("KEEPWELL_PICTURES"):
            return
        slugs = [path[1:].replace("/", "-") for path in (str(self.home), ADA)]
        words = [[str(self.home), ADA], slugs, *([port, written] for written, port in self.ports.items()), [getpass.getuser(), "ada"]]
        with (
            sync_playwright() as playwright,
            playwright.chromium.launch(executable_path=need("chromium"), args=["--no-sandbox"]) as browser,
        ):
            page = browser.new_page(viewport={"width": 1280, "height": picture.height})
            page.goto(address)
            if page.locator("body[sse-connect]").count():
                page.locator("#connection", has_text="Live").wait_for()
            page.wait_for_timeout(2000)  # until it has fetched what happened meanwhile
            page.evaluate(_AS_ADA, words)
            page.screenshot(path=DOCUMENT.parent / picture.file)

    def _run(self, command: str, shown: Sequence[str], marks: dict[str, str]) -> None:
        if "terminal" in marks:
            self._open(marks["terminal"], command)
            self._await(marks["terminal"], shown)
            return
        until = time.monotonic() + float(marks.get("within", "0"))
        while True:
            done = subprocess.run(
                ["bash", "-c", self.here(command)], cwd=self.home, env=self.environment, stdin=subprocess.DEVNULL,
                capture_output=True, text=True, timeout=120, check=False,
            )  # fmt: skip
            lacks = self.missing(shown, done.stdout + done.stderr)
            right = str(done.returncode) in marks.get("exit", "0").split(" or ") and not lacks
            if right or time.monotonic() > until:
                break
            time.sleep(1)
        assert right, f"{command}\nended with {done.returncode}, and does not print {lacks!r}\n{done.stdout}{done.stderr}"

    def _open(self, name: str, command: str) -> None:
        log = self.home / f"{name}.log"
        with log.open("w") as writing:
            process = subprocess.Popen(
                ["bash", "-c", self.here(command)], cwd=self.home, env=self.environment, text=True,
                stdin=subprocess.PIPE, stdout=writing, stderr=writing, start_new_session=True,
            )  # fmt: skip
        self.terminals[name] = (process, log)

    def _await(self, name: str, shown: Sequence[str]) -> None:
        process, log = self.terminals[name]
        until = time.monotonic() + PATIENCE
        while lacks := self.missing(shown, log.read_text()):
            assert process.poll() is None, f"{name} ended with {process.returncode}\n{log.read_text()}"
            assert time.monotonic() < until, f"{name} does not print {lacks!r}\n{log.read_text()}"
            time.sleep(0.2)

    def close(self) -> None:
        """Ends all terminals, the newest first."""
        for process, _ in reversed(self.terminals.values()):
            assert process.stdin is not None
            process.stdin.close()
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@pytest.fixture
def hour() -> Iterator[Hour]:
    """A home whose path is as long as the document's: what is cut in a table is cut at the same place."""
    home = Path(f"/tmp/kw{secrets.token_hex(1)}")
    home.mkdir(mode=0o700)
    assert len(str(home)) == len(ADA)
    made = Hour(home, {port: str(free_port()) for port in PORTS})
    try:
        yield made
    finally:
        made.close()
        shutil.rmtree(home)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_command_of_the_first_hour_prints_what_the_document_shows(hour: Hour) -> None:
    for program in ("jq", "curl", "ss", "bash"):
        need(program)
    hour.prepare()
    text = DOCUMENT.read_text("utf-8")
    for block in blocks(text):
        hour.do(block) if isinstance(block, Block) else hour.show(block)
    pages = re.findall(r"^\| `(/[a-z]*)` \|", text, re.MULTILINE)
    assert {"/", "/alerts", "/tasks", "/runbooks", "/backups", "/incidents", "/audits", "/reports", "/manual"} <= set(pages)
    for page in pages:
        with urllib.request.urlopen(f"http://127.0.0.1:{hour.ports['8750']}{page}", timeout=30) as answer:
            assert "audiodeck-connect" in answer.read().decode(), page


def test_the_first_hour_has_its_commands_and_its_pictures() -> None:
    text = DOCUMENT.read_text("utf-8")
    found = blocks(text)
    commands = [command for block in found if isinstance(block, Block) for command, _ in block.commands()]
    wanted = ("lint", "import", "fill", "plan", "accept", "check", "up", "notify test", "run backups/", "backups prove", "report", "status")
    assert not [words for words in wanted if not any(command.startswith(f"keepwell {words}") for command in commands)]
    pictures = [block.file for block in found if isinstance(block, Picture)]
    assert len(pictures) >= 5
    assert pictures == re.findall(r"\]\((pictures/[a-z-]+\.png)\)", text)
    assert all(0 < (DOCUMENT.parent / picture).stat().st_size < 200_000 for picture in pictures)
    assert {path.name for path in (DOCUMENT.parent / "pictures").glob("first-hour-*")} == {Path(picture).name for picture in pictures}
    assert "docs/first-hour.md" in (REPOSITORY / "README.md").read_text("utf-8")
