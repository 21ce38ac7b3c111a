"""What import declares: the commands ``keepwell import`` and ``keepwell fill``."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from keepwell.kernel.exits import Exit
from keepwell.ports.offer import Argument, Call, Output, Subcommand

if TYPE_CHECKING:
    from .entries import Sound
    from .model import Missing
    from .work import Request, Work

_MOST_DIFF = 200
_MOST_TOLD = 20
_DATA = Argument(
    ("--data",), "the data directory, where the last import is kept (default: as keepwell up has it)", {"metavar": "DIR", "default": None}
)


def commands(
    data_directory: Callable[[str | None], Path],
    sound: "Sound | None" = None,
    valid: "Callable[[Path], object] | None" = None,
) -> tuple[Subcommand, ...]:
    """``keepwell import`` and ``keepwell fill``. ``sound`` says why the settings of a check are no valid ones, ``valid`` raises
    ConfigurationError where an operations directory is not valid."""

    def request(call: Call, folder: str, every: str | None = None) -> "Request":
        from .work import Request

        return Request(Path(folder), data_directory(call.arguments["data"]), every, sound, valid)

    async def import_(call: Call) -> int:
        return _import(call, request(call, call.arguments["output"], call.arguments["every"]))

    async def fill(call: Call) -> int:
        return _fill(call, request(call, call.arguments["directory"]))

    return (_declared_import(import_), _declared_fill(fill))


def _declared_import(run: Callable[[Call], Awaitable[int]]) -> Subcommand:
    return Subcommand(
        "import",
        "turn an operations manual (Markdown) into an operations directory",
        run,
        (
            Argument(("manual",), "the manual, a Markdown file", {"metavar": "MANUAL"}),
            Argument(
                ("-o", "--output"), "the directory to write: new, empty, or of an earlier import", {"metavar": "DIR", "required": True}
            ),
            Argument(("--every",), "how often every check is made (default: by kind, or as at the last import)", {"metavar": "DURATION"}),
            Argument(("--diff",), "only show what would change; write nothing", {"action": "store_true"}),
            _DATA,
        ),
        description="Writes keepwell.yaml, runbooks, and import-report.json and .html, which say what became of every item of the manual. "
        "It starts no process, opens no socket and reads no secret. Importing again merges: what the manual changed is taken, what you "
        "changed stays, and where both did, yours stays and the new one is marked beside it. Exit code 0: imported; 1: imported, and there "
        "are conflicts to settle, or nothing in the manual became anything (with --diff: something would change); 2: not imported.",
        example="keepwell import manual.md -o ops",
        waits=False,
    )


def _declared_fill(run: Callable[[Call], Awaitable[int]]) -> Subcommand:
    return Subcommand(
        "fill",
        "fill in the values that an imported manual leaves open, and import it again with them",
        run,
        (
            Argument(("directory",), "the operations directory", {"metavar": "DIR"}),
            Argument(
                ("--set",),
                "a value, without a question (of a secret only where it is: NAME=secret:NAME)",
                {"metavar": "NAME=VALUE", "action": "append", "default": None, "dest": "settings"},
            ),
            _DATA,
        ),
        description="Asks for each missing value with the line of the manual that needs it; Enter leaves it for later, Ctrl-C ends the "
        "questions and keeps the answers. Values go to values.yaml, secrets to files that only you can read. Without a terminal and "
        "without --set it lists what is missing. Exit code 0: nothing is left to fill in; 1: something is, or there are conflicts; "
        "2: nothing was imported into the directory here, or a value is not as it must be.",
        example="keepwell fill ops --set YOURDOMAIN_COM=shop.internal",
        waits=False,
    )


# --- import ------------------------------------------------------------------------------------------------------------------


def _import(call: Call, request: "Request") -> int:
    from .work import check_every, prepare, read_file, write

    check_every(request.every)
    manual = Path(call.arguments["manual"])
    work = prepare(request, read_file(manual), manual.name)
    only_shown = bool(call.arguments["diff"])
    if not only_shown:
        write(work)
    call.output.data(_answer(work, written=not only_shown))
    if only_shown:
        _show_changes(call.output, work, most=None)
        return Exit.NEGATIVE if work.shown else Exit.OK
    _tell(call.output, work)
    return Exit.NEGATIVE if work.clashes or not any(work.imported.counts.values()) else Exit.OK


def _answer(work: "Work", *, written: bool) -> Mapping[str, object]:
    from .report import report, summary_line
    from .result import CONFIGURATION
    from .work import clash_report

    return {
        "written": str(work.request.folder / CONFIGURATION) if written else None,
        "told": summary_line(work.imported),
        "changed": [change.path for change in work.changes],
        "diff": ["\n".join(change.diff()) for change in work.shown] if work.again else [],
        "merge": clash_report(work.clashes),
        **report(work.imported),
    }


def _tell(output: Output, work: "Work") -> None:
    from .report import summary_line

    folder = work.request.folder
    if work.again:
        _show_changes(output, work, _MOST_DIFF)
    output.say(f"{folder}: {summary_line(work.imported)}", style="ok")
    for line, sentence in work.imported.manual.remarks:
        output.say(f"line {line} of the manual: {sentence}", style="warn")
    _tell_clashes(output, work)
    _tell_waiting(output, work)
    _tell_next(output, work)


def _show_changes(output: Output, work: "Work", most: int | None) -> None:
    lines = [line for change in work.shown for line in change.diff(moved=most is None)]
    if not lines:
        output.say("nothing changes" if most is None else "nothing changed")
    for line in lines[:most]:
        style = "strong" if line.startswith(("+++", "---")) else "ok" if line.startswith("+") else "fail" if line.startswith("-") else ""
        output.say(line, style=style)
    if most is not None and len(lines) > most:
        output.say(f"... and {len(lines) - most} more lines of difference", style="dim")
    if most is None:
        _tell_clashes(output, work)


def _tell_clashes(output: Output, work: "Work") -> None:
    if not work.clashes:
        return
    output.say(f"{_count(len(work.clashes), 'conflict')}: yours stands, what the import proposes is marked in the file", style="warn")
    for clash in work.clashes[:_MOST_TOLD]:
        place = f"{clash.file} {clash.place}".rstrip()
        output.say(f"  {place}: {_short(clash.yours)} stays, proposed is {_short(clash.proposed) or 'that it goes'}")
    _tell_rest(output, len(work.clashes))


def _tell_waiting(output: Output, work: "Work") -> None:
    """What was not simply carried over: the dangerous first."""
    from .model import Disposition

    order = (Disposition.REFUSED, Disposition.MISSING, Disposition.CORRECTED)
    waiting = [outcome for wanted in order for outcome in work.imported.outcomes if outcome.found.disposition is wanted]
    if not waiting:
        return
    rows, styles = [], []
    for outcome in waiting[:_MOST_TOLD]:
        found = outcome.found
        names = ", ".join(missing.name for missing in found.missing)
        reasons = [part.reason for part in outcome.amendments] or [found.reason or f"it waits for {names}"]
        rows.append((str(outcome.item.line), found.disposition.value, _short(reasons[0], 100)))
        styles.append("fail" if found.disposition is Disposition.REFUSED else "warn" if found.disposition is Disposition.MISSING else "")
    output.say()
    output.table(("line", "is", "because"), rows, styles=styles)
    _tell_rest(output, len(waiting))


def _tell_rest(output: Output, number: int) -> None:
    if number > _MOST_TOLD:
        output.say(f"  and {number - _MOST_TOLD} more: import-report.html has all", style="dim")


def _tell_next(output: Output, work: "Work") -> None:
    from .fill import open_inputs
    from .result import CONFIGURATION

    counts = work.imported.counts
    output.say()
    output.say(f"What became of every line: {work.request.folder}/import-report.html")
    folder = quote(str(work.request.folder))
    left = len(open_inputs(work.imported))
    steps = [(f"keepwell fill {folder}", f"asks for what the manual leaves open: {_count(left, 'value')}")] if left else []
    if any(counts.values()):
        steps.append((f"keepwell plan {folder}", "shows what would run when, and what waits for what"))
    shell = any(
        path != CONFIGURATION and re.search(r'^`{3,}\w+ \{"name"', text, re.MULTILINE) for path, text in work.imported.files.items()
    )
    if shell or re.search(r"^ +command:", work.imported.files[CONFIGURATION], re.MULTILINE):
        steps.append((f"keepwell accept {folder}", "shows each command, to be accepted before it may run"))
    if counts.get("checks"):
        steps.append((f"keepwell check {folder}", "looks once"))
    if any(counts.values()):
        looks = "keeps looking" if counts.get("checks") else "begins what is due"
        steps.append((f"keepwell up {folder}", f"{looks}, and shows it on a page"))
    wide = max((len(command) for command, _ in steps), default=0)
    for command, says in steps:
        output.say(f"  {command.ljust(wide)}  {says}")
    if counts.get("checks") and not _names_receivers(work):
        output.say(f"Nobody is told of alerts so far: write the section receivers into {work.request.folder / CONFIGURATION}", style="warn")


def _names_receivers(work: "Work") -> bool:
    """Whether the configuration says whom alerts reach: no manual's text is turned into a receiver, people write that section."""
    from .result import CONFIGURATION

    file = work.request.folder / CONFIGURATION
    text = file.read_text("utf-8", "replace") if file.is_file() else work.imported.files[CONFIGURATION]
    return re.search(r"^receivers:", text, re.MULTILINE) is not None


# --- fill --------------------------------------------------------------------------------------------------------------------


def _fill(call: Call, request: "Request") -> int:
    from . import person
    from .fill import Answers, ask, keep_answers, open_inputs, take_settings
    from .work import prepare_again, write

    work = prepare_again(request)
    inputs = open_inputs(work.imported)
    settings: Sequence[str] = call.arguments["settings"] or ()
    answers = Answers()
    if settings:
        answers = take_settings(settings, _askable(request, work))
    elif inputs and person.is_there() and not call.output.wants_json:
        answers = ask(inputs, work.imported.manual.line_text, person.AtTerminal())
    if answers.names:
        keep_answers(request.folder, answers)
        work = prepare_again(request)
        write(work)
    _tell_filled(call.output, work, answers.names)
    return Exit.NEGATIVE if open_inputs(work.imported) or (answers.names and work.clashes) else Exit.OK


def _askable(request: "Request", work: "Work") -> "dict[str, Missing]":
    """Everything that can be set: also what has a value already."""
    from .decide import import_manual
    from .fill import open_inputs

    whole = import_manual(work.kept.manual, work.kept.name, {})
    return {part.missing.name: part.missing for imported in (whole, work.imported) for part in open_inputs(imported)}


def _tell_filled(output: Output, work: "Work", filled: Sequence[str]) -> None:
    from .fill import open_inputs

    left = open_inputs(work.imported)
    output.data(
        {
            "filled": list(filled),
            "missing": [
                {
                    "name": part.missing.name,
                    "wanting": part.missing.wanting.value,
                    "asks": part.missing.asks,
                    "form": part.missing.form,
                    "lines": list(part.lines),
                }
                for part in left
            ],
            "changed": [change.path for change in work.changes] if filled else [],
        }
    )
    if filled:
        output.say(f"filled in: {', '.join(filled)}", style="ok")
        _tell(output, work)
        return
    if not left:
        output.say("nothing is left to fill in", style="ok")
        return
    fill = f"keepwell fill {quote(str(work.request.folder))}"
    output.say(f"{_count(len(left), 'value')} to fill in: {fill} --set NAME=VALUE, or answer at a terminal")
    rows = [(part.missing.name, part.missing.wanting.value, ", ".join(map(str, part.lines[:5])), part.missing.asks) for part in left]
    output.table(("name", "is a", "lines", "what it is"), rows)
    if any(part.missing.wanting.value == "secret" for part in left):
        output.say(
            "of a secret only where it is: --set NAME=secret:file:/path, or secret:NAME for a variable of the environment", style="dim"
        )


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _short(text: str, longest: int = 60) -> str:
    from keepwell.rooms.manual.lint.redact import without_secrets

    line = without_secrets(" ".join(text.split()))
    return line if len(line) <= longest else line[: longest - 1] + "…"
