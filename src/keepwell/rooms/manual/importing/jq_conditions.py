"""What a manual expects of a JSON answer: jq filters, and the tests, greps and variables around them, as conditions of a check. Pure."""

import json
import re
from collections.abc import Iterator, Mapping

from keepwell.kernel.conditions import Scalar, parse_path
from keepwell.rooms.manual.reading.shell_model import Comparison, Script, ShellCommand

Conditions = Mapping[str, Scalar]

_PATH = re.compile(r"\s*\.(?P<path>[A-Za-z_][\w]*(?:\.[A-Za-z_][\w]*|\[\d+\]|\[\"[^\"]+\"\]|\.\"[^\"]+\")*)\s*")
_COMPARED = re.compile(
    r"\s*(?P<filter>\.[^=!<>|]+?)\s*(?P<operator>==|!=|>=|<=|>|<)\s*(?P<literal>\"[^\"]*\"|-?\d+(?:\.\d+)?|true|false|null)\s*"
)
_EQUALS = frozenset(("=", "==", "-eq"))
_DIFFERS = frozenset(("!=", "-ne"))
_BAD = re.compile(r"(?i)(?:down|fail\w*|error\w*|unhealthy|critical|degraded|red|dead|stopped|exited|inactive|null|false|5\d\d|4\d\d|000)")
_WORD = re.compile(r"[\w .:/-]{1,80}")


def path_of(jq_filter: str) -> str:
    """The one place of a document that a filter shows (``.data.items[0].name`` gives ``data.items[0].name``); empty where it is more."""
    match = _PATH.fullmatch(jq_filter)
    if not match:
        return ""
    path = match["path"].replace('."', '["').replace('"', '"')
    try:
        parse_path(path)
    except ValueError:
        return ""
    return path


def condition_of(jq_filter: str) -> Conditions:
    """The condition that a filter is (``.status == "UP"``); nothing where it is none."""
    match = _COMPARED.fullmatch(jq_filter)
    path = path_of(match["filter"]) if match else ""
    if not match or not path:
        return {}
    literal = json.loads(match["literal"])
    operator = match["operator"]
    if operator == "==":
        return {f"json.{path}": _equal(literal)}
    if operator == "!=":
        return {f"json.{path}": f"!= {literal}"} if isinstance(literal, str) else {}
    return {f"json.{path}": f"{operator} {match['literal']}"} if isinstance(literal, int | float) else {}


def filter_of(command: ShellCommand) -> str:
    """The filter of a jq command; empty where it is known only at run time or stands in a file."""
    if command.has_flag("-f", "--from-file") or not command.operands:
        return "." if not command.operands and not command.flags else ""
    return command.operands[0].text or ""


def json_conditions(jq: ShellCommand, script: Script | None) -> Conditions:
    """What is expected at the place that a jq command reads: by its own filter, or by what its answer is compared with."""
    own = condition_of(filter_of(jq))
    path = path_of(filter_of(jq))
    if own or not path:
        return own
    expected = [_from_comparison(comparison) for comparison in compared_with(jq, script)]
    expected += _from_grep(jq)
    found = [value for value in expected if value is not None]
    return {f"json.{path}": found[0]} if found else {}


def status_condition(command: ShellCommand, script: Script | None) -> Conditions:
    """The status that an ``http_code`` is compared with."""
    for comparison in compared_with(command, script):
        text = _literal(comparison)
        if re.fullmatch(r"[1-5]\d\d", text) and comparison.operator in _EQUALS | _DIFFERS and not _BAD.fullmatch(text):
            return {"status": int(text)}
    return {}


def compared_with(command: ShellCommand, script: Script | None) -> Iterator[Comparison]:
    """The comparisons that judge what a command (or its pipeline) says: of the test in whose words it stands, of its variable."""
    outer = command.inside
    if outer is not None:
        yield from outer.tests
    variable = command.inside_assignment
    if variable and script is not None:
        tests = (test for other in script.commands for test in other.tests)
        yield from (test for test in tests if variable in (*(test.left.variables if test.left else ()), *test.right.variables))


def grep_text(command: ShellCommand) -> str:
    """The literal text that a grep behind a command looks for; empty where there is none, or a pattern."""
    behind = command.piped_to
    if behind is None or behind.name not in ("grep", "egrep", "fgrep") or not behind.operands or behind.has_flag("-v", "-c"):
        return ""
    text = behind.operands[0].text or ""
    return text if re.fullmatch(r"[\w \":,{}/-]{1,120}", text) else ""


def _from_comparison(comparison: Comparison) -> Scalar:
    text = _literal(comparison)
    if comparison.operator not in _EQUALS | _DIFFERS or not _WORD.fullmatch(text):
        return None
    if _BAD.fullmatch(text):  # it asks for the bad state, whichever way round the test is written
        return f"!= {text}"
    return _equal(int(text) if text.isdigit() and len(text) < 12 else text)


def _from_grep(jq: ShellCommand) -> list[Scalar]:
    text = grep_text(jq).strip('"')
    if not text or not re.fullmatch(r"\w[\w-]*", text):
        return []
    return [f"!= {text}"] if _BAD.fullmatch(text) else [text]


def _literal(comparison: Comparison) -> str:
    """The constant side of a comparison; empty where both or none are."""
    sides = [word for word in (comparison.left, comparison.right) if word is not None and word.text is not None]
    return (sides[0].text or "") if len(sides) == 1 else ""


def _equal(literal: Scalar) -> Scalar:
    """A literal as a condition has it: text that begins like an operator is written with one."""
    return f"== {literal}" if isinstance(literal, str) and (not literal or literal[0] in "<>=!") else literal
