"""KW419: apt upgrade with names of packages."""

from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for command in script.named("apt", "apt-get"):
            if command.subcommand in ("upgrade", "dist-upgrade", "full-upgrade") and len(command.operands) > 1:
                yield Finding(
                    command.line,
                    f"{command.name} {command.subcommand} upgrades every package, whatever names follow; with an empty list too",
                    command.end_line,
                    command.column,
                    "apt-get install --only-upgrade NAME..., or unattended-upgrade for security updates",
                    width=len(command.name),
                )


RULE = Rule(
    id="KW419",
    name="upgrade-takes-no-names",
    title="apt upgrade does not limit itself to the packages named",
    severity=Severity.ERROR,
    why="upgrade brings all installed packages to their newest version; names behind it are installed in addition, they do not "
    "limit it. A step meant for "
    "security updates alone thus upgrades the whole system. Source: apt-get(8), upgrade and install --only-upgrade.",
    bad="# Updates\n\n```bash\napt upgrade $(apt list --upgradable 2>/dev/null | grep -i security | cut -d/ -f1)\n```\n",
    good="# Updates\n\n```bash\napt-get install --only-upgrade openssl libssl3\napt-get upgrade -y\n```\n",
    check=_check,
)
