"""What the manual's room declares: the command ``keepwell import``."""

from pathlib import Path
from typing import TYPE_CHECKING

from keepwell.kernel.exits import Exit
from keepwell.kernel.problems import UsageError
from keepwell.ports.offer import Argument, Call, Output, Subcommand

if TYPE_CHECKING:
    from .model import Imported


def commands() -> tuple[Subcommand, ...]:
    """``keepwell import``."""
    return (
        Subcommand(
            "import",
            "turn an operations manual (Markdown) into an operations directory",
            _import,
            (
                Argument(("manual",), "the manual, a Markdown file", {"metavar": "MANUAL"}),
                Argument(("-o", "--output"), "the directory to write; new or empty", {"metavar": "DIR", "required": True}),
                Argument(("--every",), "how often every check is made (default: 30s or 1m, by kind)", {"metavar": "DURATION"}),
            ),
            description="Reads curl, df, systemctl, pgrep and ps | grep lines, tables of key figures and expected health responses. Writes "
            "keepwell.yaml, in which every check names the lines it comes from, and import-report.json, which names the fate of every item "
            "that was recognised. It starts no process, opens no socket and overwrites nothing. Exit code 0 where at least one check was "
            "made, 1 where none was.",
            example="keepwell import manual.md -o ops",
        ),
    )


async def _import(call: Call) -> int:
    from .work import CONFIGURATION, import_file

    every = call.arguments["every"]
    if every is not None:
        _check_duration(every)
    folder = Path(call.arguments["output"])
    imported = await import_file(Path(call.arguments["manual"]), folder, every)
    call.output.data({"written": str(folder / CONFIGURATION), **imported.report()})
    _tell(call.output, imported, folder)
    return Exit.OK if imported.checks else Exit.NEGATIVE


def _check_duration(text: str) -> None:
    from keepwell.kernel.durations import parse_duration

    try:
        parse_duration(text)
    except ValueError as error:
        raise UsageError(f"--every: {error}") from None


def _tell(output: Output, imported: "Imported", folder: Path) -> None:
    from .model import Fate

    left = [item for item in imported.items if item.fate is Fate.NOT_IMPORTED]
    waiting = sum(draft.kind == "command" for draft in imported.checks)
    output.say(f"wrote {folder}/keepwell.yaml: {len(imported.checks)} checks from {len(imported.items) - len(left)} items", style="ok")
    if left:
        output.say(f"{len(left)} items were recognised and not imported (import-report.json names every item):")
        output.table(("line", "text", "reason"), [(str(item.line), item.text[:50], item.reason) for item in left])
    if waiting:
        output.say(f"{waiting} of the checks run a command: read and accept it with  keepwell accept {folder}")
    if imported.checks:
        output.say(f"next: keepwell check {folder}")
