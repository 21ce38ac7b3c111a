"""KW121: upgradable packages are listed from an index that nobody has refreshed."""

from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import ShellCommand


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        fresh = False
        for command in script.commands:
            fresh = fresh or (command.name in ("apt", "apt-get", "aptitude") and command.subcommand == "update")
            if not fresh and _lists_upgrades(command):
                yield Finding(
                    command.line,
                    f"no {command.name.removesuffix('-get')} update comes before: "
                    "the list is as old as the last refresh of the package index",
                    column=command.column,
                    width=len(command.name),
                    fix="apt-get update first, and stop where it fails",
                )


def _lists_upgrades(command: ShellCommand) -> bool:
    simulated = command.has_flag("-s", "--simulate", "--dry-run", "--just-print")
    return (command.is_("apt", "list") and command.has_flag("--upgradable", "--upgradeable")) or (
        command.name in ("apt", "apt-get") and command.subcommand in ("upgrade", "dist-upgrade", "full-upgrade") and simulated
    )


RULE = Rule(
    id="KW121",
    name="list-of-yesterday",
    title="Upgradable packages are listed from an old index",
    severity=Severity.NOTE,
    why="apt list --upgradable compares what is installed with the package index on disk. Without apt update before it, security "
    "updates that were published since the last refresh do not appear. Source: apt(8), update and list.",
    bad="# Weekly\n\n```bash\napt list --upgradable\n```\n",
    good="# Weekly\n\n```bash\nsudo apt-get update && apt list --upgradable\n```\n",
    check=_check,
)
