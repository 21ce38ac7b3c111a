"""The command ``keepwell provide``. Imports nothing costly."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from keepwell.kernel.exits import Exit
from keepwell.ports.offer import Argument, Call, Subcommand

if TYPE_CHECKING:
    from .decide import Facts


def commands(data_directory: Callable[[str | None], Path], facts: "Callable[[str], Facts]", keepwell: Callable[[], str]) -> Subcommand:
    """The command. ``facts`` says what an operations directory has, ``keepwell`` where this program is."""

    async def provide(call: Call) -> int:
        return _provide(call, data_directory(call.arguments["data"]), facts, keepwell())

    return Subcommand(
        "provide",
        "write the programs that a manual calls and nobody supplies, as wrappers over Keepwell",
        provide,
        (
            Argument(("directory",), "the operations directory", {"metavar": "DIR"}),
            Argument(("--to",), "where they are written (default: the folder programs in DIR)", {"metavar": "FOLDER"}),
            Argument(("--dry-run",), "only say what would be written", {"action": "store_true"}),
            Argument(("--data",), "the data directory of the server that they ask, and of the import", {"metavar": "DIR"}),
        ),
        description="A wrapper has the name that the manual calls, and gives its arguments on to the command that does the work: "
        "rotate-logs.sh rotates the log policy, weekly-report.sh prints the weekly report, a script that the manual contains runs its "
        "runbook, accepted and recorded. A file that is not such a wrapper is never replaced. Exit code 0: every program is provided; "
        "1: some are not, and why is said; 2: nothing was imported into the directory.",
        example="keepwell provide ops --to /opt/shop/scripts",
        waits=False,
    )


def _provide(call: Call, data: Path, facts: "Callable[[str], Facts]", keepwell: str) -> int:
    from .work import Written, programs
    from .work import provide as write

    folder = Path(call.arguments["directory"])
    to = Path(call.arguments["to"]) if call.arguments["to"] else folder / "programs"
    found = programs(folder, data, facts(str(folder)))
    if call.arguments["dry_run"]:
        done = [Written(one, "would be written" if one.command else one.why_not) for one in found]
    else:
        done = write(found, to.absolute(), keepwell, data.absolute(), folder.absolute())
    call.output.data(
        {
            "folder": str(to),
            "programs": [
                {"name": one.program.name, "lines": list(one.program.lines), "command": list(one.program.command), "became": one.became}
                for one in done
            ],
        }
    )
    if not done:
        call.output.say("the manual calls no program and contains none: there is nothing to provide", style="ok")
        return Exit.OK
    rows = [(one.program.name, " ".join(("keepwell", *one.program.command)) if one.program.command else "–", one.became) for one in done]
    good = ("written", "unchanged", "would be written")
    call.output.table(("program", "does", "is"), rows, styles=["" if one.became in good else "warn" for one in done])
    call.output.say()
    call.output.say(f"{sum(one.became in good for one in done)} of {len(done)} programs that the manual names: {to}")
    if any(one.became == "written" for one in done):
        call.output.say(f"steps that waited for one of them can run after: keepwell accept {folder}, keepwell reload", style="dim")
    return Exit.OK if all(one.became in good for one in done) else Exit.NEGATIVE
