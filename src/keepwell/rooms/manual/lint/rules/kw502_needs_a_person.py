"""KW502: an editor, a full-screen program or a prompt where other steps wait, or where nobody sits."""

from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.lint.rules.endless import followed
from keepwell.rooms.manual.lint.rules.intent import unattended
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand

_EDITORS = frozenset(("vim", "vi", "nano", "emacs", "pico", "nvim", "gedit", "code", "visudo", "vipw"))
_SCREENS = frozenset(("htop", "atop", "btop", "iotop", "nmtui", "mc", "less", "more", "ncdu"))


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for command in script.commands:
            if command.depth or not command.is_last or any(part.discards or part.writes for part in command.redirections):
                continue
            message, fix = _crontab(manual, script, command) or _edits(manual, script, command) or _shows(script, command) or ("", "")
            if message:
                yield Finding(command.line, message, command.end_line, command.column, fix, width=len(command.name))


def _crontab(manual: Manual, script: Script, command: ShellCommand) -> tuple[str, str] | None:
    if command.name != "crontab" or not command.has_flag("-e"):
        return None
    below = next((entry for entry in manual.cron if command.line < entry.line <= script.end_line + 1), None)
    if below is None and not followed(script, command) and not unattended(script):
        return None
    rest = (
        f"the entries from line {below.line} on are typed by hand, and pasted as a block they run as commands"
        if below
        else "it waits for a person"
    )
    return f"crontab -e opens an editor: {rest}", "put the entries in a file of /etc/cron.d, or (crontab -l; cat entries) | crontab -"


def _edits(manual: Manual, script: Script, command: ShellCommand) -> tuple[str, str] | None:
    if command.name not in _EDITORS or (command.name == "code" and not unattended(script)):
        return None
    target = command.operands[-1].filled if command.operands else ""
    told = bool(target) and (manual.names.defines(target) or _shown(manual, target))
    after = followed(script, command)
    if unattended(script):
        return f"{command.name} waits for a person, and the script runs without one", "write the change with sed, tee or a here-document"
    if target and not told:
        return (
            f"{command.name} says where to write and not what: the content of {target[:100]} stands nowhere",
            "show the lines that must be in the file",
        )
    if after is not None:
        return (
            f"{command.name} waits for a person: pasted as a block, the lines from {after.line} on go into the editor",
            "end the block here",
        )
    return None


def _shown(manual: Manual, path: str) -> bool:
    return any(fence.file == path for fence in manual.fences) or any(setting.file == path for setting in manual.settings)


def _shows(script: Script, command: ShellCommand) -> tuple[str, str] | None:
    name = command.name
    screen = name in _SCREENS or (name == "top" and not command.has_flag("-b", "-l", "-v", "-n"))
    if not screen or command.has_flag("-b", "--batch", "--version"):
        return None
    after = followed(script, command)
    once = {"top": "top -b -n 1 | head -20", "htop": "top -b -n 1 | head -20"}.get(name, "a command that prints and ends")
    if unattended(script):
        return f"{name} waits for a key, and the script runs without a person", once
    if after is not None and not command.guards:
        return (
            f"{name} fills the screen until a person leaves it: pasted as a block, {after.name} in line {after.line} is not reached",
            once,
        )
    return None


RULE = Rule(
    id="KW502",
    name="needs-a-person",
    title="A step needs a person at the keyboard",
    severity=Severity.WARNING,
    why="Editors, pagers and full-screen programs wait for keys. In a script run by cron they hang or fail for want of a terminal; in a "
    "block that is pasted they swallow the lines behind them. An editor also says where to write and not what: two people write two "
    "files. Source: crontab(1), -e; top(1), -b.",
    bad="# Rotation\n\n```bash\nsudo nano /etc/logrotate.d/shop\nsudo logrotate -d /etc/logrotate.d/shop\ntop\ndf -h\n```\n",
    good="""# Rotation

```bash
sudo tee /etc/logrotate.d/shop << 'EOF'
/var/log/shop/*.log {
    weekly
}
EOF
top -b -n 1 | head -20
df -h
```
""",
    check=_check,
)
