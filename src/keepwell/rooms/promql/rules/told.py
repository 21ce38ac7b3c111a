"""What the commands about rules say."""

import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from keepwell.kernel.exits import Exit
from keepwell.kernel.problems import ConfigurationError, UsageError
from keepwell.kernel.quoting import quoted
from keepwell.kernel.rendering import as_json, harmless, render_text
from keepwell.ports.offer import Call

from .reading import read_rules
from .unit_file import read_unit_file
from .unit_tests import Difference, run_file


def check_files(call: Call) -> int:
    """Reads rule files, and tells of each what is wrong or how many rules it has."""
    answers: list[dict[str, Any]] = []
    for name in call.arguments["files"]:
        try:
            read = read_rules(Path(name), call.arguments["names"])
        except ConfigurationError as error:
            answers.append({"file": name, "valid": False, "problems": as_json(error.problems)})
            if not call.output.wants_json:
                call.output.raw(render_text(error.problems, colour=call.output.colours))
            call.output.say(f"{name}: {_counted(len(error.problems), 'problem')}", style="fail")
            continue
        rules, groups = read.count, len(read.groups)
        answers.append({"file": name, "valid": True, "groups": groups, "rules": rules, "doubtful": list(read.doubtful)})
        for sentence in read.doubtful:
            call.output.note(f"warning: {name}: {sentence}")
        call.output.say(f"{name}: {_counted(rules, 'rule')} in {_counted(groups, 'group')}", style="ok")
    valid = all(answer["valid"] for answer in answers)
    call.output.data({"valid": valid, "files": answers})
    return Exit.OK if valid else Exit.NEGATIVE


def _counted(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


async def test_files(call: Call) -> int:
    """Runs files of unit tests, and shows every difference."""
    wanted = _wanted(call.arguments["run"])
    answers = [await _tested(call, Path(name), wanted) for name in call.arguments["files"]]
    passed = all(answer["passed"] for answer in answers)
    call.output.data({"passed": passed, "files": answers})
    return Exit.OK if passed else Exit.NEGATIVE


def _wanted(pattern: str | None) -> Callable[[str], bool]:
    if pattern is None:
        return lambda name: True
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise UsageError(f"{quoted(pattern)} is no regular expression: {error}") from None
    return lambda name: compiled.search(name) is not None


async def _tested(call: Call, path: Path, wanted: Callable[[str], bool]) -> dict[str, Any]:
    try:
        outcome = await run_file(read_unit_file(path), wanted, call.arguments["names"])
    except ConfigurationError as error:
        if not call.output.wants_json:
            call.output.raw(render_text(error.problems, colour=call.output.colours))
        call.output.say(f"{path}: {_counted(len(error.problems), 'problem')}", style="fail")
        return {"file": str(path), "passed": False, "tests": 0, "problems": as_json(error.problems), "differences": []}
    for pattern in outcome.unmatched:
        call.output.note(f"warning: {path}: no rule file fits {quoted(pattern)}")
    for one in outcome.differences:
        _tell(call, path, one)
    failed, tests = _counted(len(outcome.differences), "difference"), _counted(outcome.tests, "test")
    call.output.say(f"{path}: {tests}, {failed}", style="fail" if outcome.differences else "ok")
    differences = [asdict(one) for one in outcome.differences]
    return {"file": str(path), "passed": not differences, "tests": outcome.tests, "problems": [], "differences": differences}


def _tell(call: Call, path: Path, one: Difference) -> None:
    name = f" test {quoted(one.test)}:" if one.test else ""
    call.output.say(f"{path}:{one.line}:{name} {harmless(one.what)}", style="strong")
    if one.expected or one.got:
        for word, text in (("expected", one.expected), ("got", one.got)):
            lines = text.split("\n")
            call.output.say(f"  {word + ':':9} {harmless(lines[0])}")
            for line in lines[1:]:
                call.output.say(f"  {'':9} {harmless(line)}")
