"""What the import declares: the command ``keepwell import-alertmanager``."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from keepwell.kernel.exits import Exit
from keepwell.ports.offer import Argument, Call, Drivers, Output, Subcommand

if TYPE_CHECKING:
    from .model import Imported

Valid = Callable[[Path], object]
"""Raises ConfigurationError where an operations directory is not valid."""


def commands(drivers: Callable[[], Drivers], valid: Valid) -> tuple[Subcommand, ...]:
    """``keepwell import-alertmanager``. ``drivers`` are the kinds of receivers."""

    async def run(call: Call) -> int:
        from .work import import_file, write

        imported = import_file(Path(call.arguments["file"]), _service(call), drivers(), newer=bool(call.arguments["newer"]))
        folder = call.arguments["output"]
        if folder is not None:
            write(Path(folder), imported, valid)
        elif not call.output.wants_json:
            call.output.raw(imported.text)
        call.output.data(_answer(imported, folder))
        if not call.output.wants_json:
            _tell(call.output, imported, folder)
        return Exit.NEGATIVE if any(one.receiver for one in imported.left_out) else Exit.OK

    return (
        Subcommand(
            "import-alertmanager",
            "turn an Alertmanager configuration into an operations directory",
            run,
            (
                Argument(("file",), "Alertmanager's configuration", {"metavar": "FILE"}),
                Argument(("-o", "--output"), "the directory to write, without a keepwell.yaml (default: print it)", {"metavar": "DIR"}),
                Argument(("--service",), "the name of what is operated (default: that of the directory)", {"metavar": "NAME"}),
                Argument(
                    ("--newer",),
                    "take files of later versions than Alertmanager 0.25: names of any UTF-8; keys that 0.25 does not know are left out",
                    {"action": "store_true"},
                ),
            ),
            description="Writes the sections receivers, smtp, routes, inhibit_rules and time_intervals. No secret is written: each is "
            "named, with what belongs into it. What Keepwell has no place for is listed with its line. It opens no socket and reads no "
            "secret. Exit code 0: imported; 1: imported, and a receiver or a mail server had to be left out; 2: not imported.",
            example="keepwell import-alertmanager /etc/alertmanager/alertmanager.yml -o ops",
            waits=False,
        ),
    )


def _service(call: Call) -> str:
    name: str = call.arguments["service"] or Path(call.arguments["output"] or ".").resolve().name
    return name or "my-service"


def _answer(imported: "Imported", folder: str | None) -> dict[str, object]:
    from dataclasses import asdict

    return {
        "written": f"{folder}/keepwell.yaml" if folder is not None else None,
        "text": imported.text,
        "receivers": {name: None if ours is None else list(ours) for name, ours in imported.receivers.items()},
        "routes": imported.routes,
        "secrets": [asdict(one) for one in imported.secrets],
        "left_out": [asdict(one) for one in imported.left_out],
    }


def _tell(output: Output, imported: "Imported", folder: str | None) -> None:
    """What became of the file, for people. Without a directory the configuration itself goes to standard output, and this beside it."""
    say = output.note if folder is None else output.say
    told = sum(len(ours or ()) for ours in imported.receivers.values())
    where = f": {folder}/keepwell.yaml" if folder is not None else ""
    say(f"{imported.routes} routes, {len(imported.receivers)} receivers as {told} of Keepwell's{where}")
    if imported.secrets:
        say(f"\n{len(imported.secrets)} secrets are to be set where Keepwell runs:")
        for one in imported.secrets:
            say(f"  {one.name}  {one.content} (line {one.line})")
    if imported.left_out:
        say(f"\n{len(imported.left_out)} left out:")
        for left in imported.left_out:
            say(f"  line {left.line}: {left.what}: {left.why}")
    lost = [name for name, ours in imported.receivers.items() if ours is None]
    if lost:
        say(f"\nNothing stands for {', '.join(lost)}: the receivers of the route above are told instead, and at the root all of them.")
