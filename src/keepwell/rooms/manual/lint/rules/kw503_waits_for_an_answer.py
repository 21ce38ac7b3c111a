"""KW503: a package manager or another program asks, and nobody answers, or the next lines do."""

from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.lint.rules.endless import followed
from keepwell.rooms.manual.lint.rules.intent import recurs, unattended
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import ShellCommand

_CHANGES = frozenset(
    ("install", "upgrade", "full-upgrade", "dist-upgrade", "remove", "purge", "autoremove", "update", "reinstall", "downgrade")
)
_YES = {
    "apt": ("-y", "--yes", "--assume-yes", "-s", "--simulate", "--dry-run", "--download-only", "-d", "--assume-no"),
    "yum": ("-y", "--assumeyes", "--assumeno", "--downloadonly"),
    "zypper": ("-n", "--non-interactive", "-y", "--no-confirm"),
    "pacman": ("--noconfirm",),
}
_FAMILY = {"apt": "apt", "apt-get": "apt", "aptitude": "apt", "yum": "yum", "dnf": "yum", "microdnf": "yum", "zypper": "zypper"}


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        alone = unattended(script)
        for command in script.commands:
            if command.depth or command.piped_from is not None or not _asks(command, alone):
                continue
            after = followed(script, command)
            if (
                after is not None
                and _FAMILY.get(after.name, "") != _FAMILY.get(command.name, "")
                and after.name in (*_FAMILY, "brew", "apk", "pacman")
            ):
                continue  # the same for other systems: one of them is taken
            if alone:
                rest = "and nobody is there to answer"
            elif after is not None:
                rest = f"and pasted as a block the lines from {after.line} on are its answer"
            elif recurs(manual, command.line):
                rest = "and waits, each time this task is done"
            else:
                continue
            called = f"{command.name} {command.subcommand}".strip()
            yield Finding(
                command.line,
                f"{called} asks before it changes {_what(command)}, {rest}",
                command.end_line,
                command.column,
                _fix(command),
                width=len(command.name),
            )


def _asks(command: ShellCommand, alone: bool) -> bool:
    family = _FAMILY.get(command.name, "")
    if family:
        asks = command.subcommand in _CHANGES and not (family == "apt" and command.subcommand == "update")
        return asks and not command.has_flag(*_YES[family]) and "-qq" not in command.text
    if command.name == "rm":
        return command.has_flag("-i", "-I") and alone
    if command.name == "ssh-keygen":
        return alone and not command.has_flag("-f", "-l", "-R", "-F", "-y", "-E")
    return (
        command.name in ("mysql_secure_installation", "ufw")
        and alone
        and command.subcommand in ("", "enable", "reset")
        and not command.has_flag("--force")
    )


def _what(command: ShellCommand) -> str:
    """apt installs what is named without a question where nothing else comes with it (apt-get(8))."""
    return "more than what is named" if _FAMILY.get(command.name) == "apt" and command.subcommand == "install" else "anything"


def _fix(command: ShellCommand) -> str:
    if _FAMILY.get(command.name) == "apt" and command.subcommand == "upgrade" and len(command.operands) > 1:
        return "apt-get -y install --only-upgrade NAME... (upgrade does not stop at what is named)"
    if command.name in _FAMILY:
        name = "apt-get" if command.name == "apt" else command.name
        return f"{name} -y {command.subcommand}" if _FAMILY[command.name] != "zypper" else f"zypper -n {command.subcommand}"
    return "give the answer by an option"


RULE = Rule(
    id="KW503",
    name="waits-for-an-answer",
    title="A command asks and nobody answers",
    severity=Severity.WARNING,
    why="apt, yum and dnf ask before they change anything unless -y is given. In a script that is the end of it; in a block that is "
    "pasted the program reads the next line as its answer, so that a step is lost and the question may be answered with no. Source: "
    "apt-get(8), -y; dnf(8), -y.",
    bad="# Monthly\n\n```bash\nsudo apt install docker-ce\nnpm audit\n```\n",
    good="# Monthly\n\n```bash\nsudo apt-get update && sudo apt-get install -y docker-ce\nnpm audit\n```\n",
    check=_check,
)
