"""What lint declares: the commands ``keepwell lint`` and ``keepwell explain``."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from keepwell.kernel.exits import Exit
from keepwell.kernel.problems import NotFound, UsageError
from keepwell.ports.offer import Argument, Call, Subcommand

if TYPE_CHECKING:
    from keepwell.rooms.manual.lint.decide import Choice, Linted
    from keepwell.rooms.manual.lint.model import Rule
    from keepwell.rooms.manual.lint.work import Shellcheck

_FORMATS = ("text", "json", "sarif", "github")


def commands(shellcheck: "Callable[[], Shellcheck]", version: str) -> tuple[Subcommand, ...]:
    """``keepwell lint`` and ``keepwell explain``. ``shellcheck`` gives the program and what runs it."""

    async def lint(call: Call) -> int:
        return await _lint(call, shellcheck, version)

    return (
        Subcommand(
            "lint",
            "say what is wrong in an operations manual, and why",
            lint,
            (
                Argument(("manuals",), "the manuals, Markdown files", {"metavar": "FILE", "nargs": "+"}),
                Argument(("--format",), "how to print findings (default: text)", {"choices": _FORMATS, "default": "text"}),
                Argument(("--select",), "only rules whose ids begin so (KW1,KW302,SC)", {"metavar": "IDS", "action": "append"}),
                Argument(("--ignore",), "not these; the longer prefix decides", {"metavar": "IDS", "action": "append"}),
                Argument(("--baseline",), "leave out what this file knows already", {"metavar": "FILE"}),
                Argument(("--write-baseline",), "write all findings to the baseline file, and end", {"action": "store_true"}),
                Argument(("--no-shellcheck",), "do not run ShellCheck", {"action": "store_true"}),
            ),
            description="Reads each manual as Markdown and its shell as shell, and reports commands that do not do what the text says: "
            "checks that cannot fail, backups that are not verified, deletions that reach too far. Nothing in the manual is run; the only "
            "program started is ShellCheck. <!-- keepwell: allow KW123 reason --> before a block or heading, or "
            "# keepwell: allow KW123 reason in a fence, allows a finding. "
            "Exit code 0: nothing found; 1: findings; 2: a file could not be read.",
            example="keepwell lint OPERATIONS.md",
        ),
        Subcommand(
            "explain",
            "explain a rule of keepwell lint with examples",
            _explain,
            (Argument(("rule",), "the rule's id; without one all rules are listed", {"metavar": "RULE", "nargs": "?"}),),
            example="keepwell explain KW101",
        ),
    )


async def _lint(call: Call, shellcheck: "Callable[[], Shellcheck]", version: str) -> int:
    from .registry import all_rules, rule_ids
    from .work import lint_files, read_baseline, write_baseline

    arguments, output = call.arguments, call.output
    file = Path(arguments["baseline"]) if arguments["baseline"] else None
    if arguments["write_baseline"] and file is None:
        raise UsageError("--write-baseline needs to know which file", hint="add --baseline FILE")
    known = read_baseline(file) if file and not arguments["write_baseline"] else frozenset[str]()
    choice = _choice(arguments["select"], arguments["ignore"], rule_ids())
    outcome = await lint_files(arguments["manuals"], all_rules, choice, None if arguments["no_shellcheck"] else shellcheck(), known)
    _tell_troubles(call, [*outcome.remarks, *(fault.sentence for result in outcome.results for fault in result.faults)])
    if outcome.unreadable:
        from keepwell.kernel.rendering import render_text

        output.note(render_text(outcome.unreadable).rstrip("\n"))
    if arguments["write_baseline"] and file:
        number = write_baseline(file, outcome.results)
        output.note(f"wrote {file}: {number} findings are known from now on")
        return Exit.COULD_NOT if outcome.unreadable else Exit.OK
    _print(call, outcome.results, {rule.id: rule for rule in all_rules()}, version)
    return _exit(outcome.results, bool(outcome.unreadable))


def _exit(results: "Sequence[Linted]", unreadable: bool) -> Exit:
    if unreadable:
        return Exit.COULD_NOT
    if any(result.faults for result in results):
        return Exit.INTERNAL
    return Exit.NEGATIVE if any(result.findings for result in results) else Exit.OK


def _choice(select: Sequence[str] | None, ignore: Sequence[str] | None, ids: Sequence[str]) -> "Choice":
    from .decide import Choice

    parts = [tuple(part.strip().upper() for text in given or () for part in text.split(",") if part.strip()) for given in (select, ignore)]
    for part in (*parts[0], *parts[1]):
        if not part.startswith("SC") and not any(rule.startswith(part) for rule in ids):
            raise UsageError(f"there is no rule whose id begins with {part}", hint="keepwell explain lists all rules")
    return Choice(parts[0], parts[1])


def _tell_troubles(call: Call, sentences: Sequence[str]) -> None:
    for sentence in sentences:
        call.output.note(f"keepwell lint: {sentence}")


def _print(call: Call, results: "Sequence[Linted]", rules: "dict[str, Rule]", version: str) -> None:
    from . import render

    if call.output.wants_json:
        call.output.data(render.as_list(results))
        return
    match call.arguments["format"]:
        case "json":
            import json

            call.output.raw(json.dumps(render.as_list(results), indent=2) + "\n")
        case "sarif":
            call.output.raw(render.as_sarif(results, rules, version))
        case "github":
            call.output.raw(render.as_github(results, rules))
        case _:
            call.output.raw(render.as_text(results, rules, call.output.colours))


async def _explain(call: Call) -> int:
    from .pages import rule_text
    from .registry import all_rules

    rules = {rule.id: rule for rule in all_rules()}
    wanted = (call.arguments["rule"] or "").upper()
    if not wanted:
        call.output.data(
            [{"id": rule.id, "name": rule.name, "title": rule.title, "severity": rule.severity.value} for rule in rules.values()]
        )
        call.output.table(("rule", "severity", "what"), [(rule.id, rule.severity.value, rule.title) for rule in rules.values()])
        return Exit.OK
    if wanted.startswith("SC"):
        from .shellcheck import WIKI

        call.output.say(f"{wanted} is a rule of ShellCheck: {WIKI}{wanted}")
        call.output.data({"id": wanted, "page": f"{WIKI}{wanted}"})
        return Exit.OK
    rule = rules.get(wanted) or next((rule for rule in rules.values() if rule.name == wanted.lower()), None)
    if rule is None:
        raise NotFound(f"there is no rule {wanted}", hint="keepwell explain lists all rules")
    call.output.data(
        {
            "id": rule.id,
            "name": rule.name,
            "title": rule.title,
            "severity": rule.severity.value,
            "why": rule.why,
            "bad": rule.bad,
            "good": rule.good,
        }
    )
    call.output.say(rule_text(rule))
    return Exit.OK
