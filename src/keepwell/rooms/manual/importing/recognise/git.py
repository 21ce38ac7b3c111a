"""git: fetching a version is a part of a deployment or update, committing one of a change."""

from keepwell.rooms.manual.importing.command_words import done, main_command, understood, words
from keepwell.rooms.manual.importing.model import Found, Recogniser, View
from keepwell.rooms.manual.importing.purposes import purposes, with_purpose, within
from keepwell.rooms.manual.reading.model import Kind
from keepwell.rooms.manual.reading.shell_model import ShellCommand

_FLAGS = {
    "pull": "--rebase --ff-only -q --quiet --tags",
    "fetch": "--all --tags --prune -p -q --depth",
    "clone": "--depth --branch -b -q",
    "checkout": "-b -B -f -q",
    "switch": "-c -q",
    "merge": "--no-ff --ff-only -m",
    "add": "-A --all -u",
    "commit": "-m --message -a -am --amend -s --signoff",
    "tag": "-a -m -l -d -s",
    "push": "--tags -u --set-upstream --follow-tags origin",
    "log": "--oneline --since --until -n --author --stat -p --format --pretty -1 -5 -10 -20 --graph",
    "diff": "--stat --name-only --cached",
    "show": "--stat",
    "status": "-s --short --porcelain",
    "describe": "--tags --always",
    "rev-parse": "--short",
    "revert": "--no-edit -n",
    "reset": "--hard --soft --mixed",
    "stash": "",
    "submodule": "--init --recursive --remote",
}
_FETCHES = frozenset(("pull", "fetch", "clone", "submodule"))
_LOOKS = words("log diff show status describe rev-parse")


def read(view: View) -> Found | None:
    """What an item that calls git becomes."""
    command = main_command(view, "git")
    if command is None:
        return None
    verb = command.subcommand
    clear = verb in _FLAGS and understood(view, command, frozenset(_FLAGS[verb].split()))
    return done(view, _capabilities(view, command), f"git.{verb.replace('-', '_')}" if clear else "")


def _capabilities(view: View, command: ShellCommand) -> tuple[str, ...]:
    verb = command.subcommand
    special = within(view, "rollback", "failover", "restore")
    if verb in ("revert", "reset") or special == "rollback":
        return with_purpose(view, "rollback")
    if verb in _FETCHES:
        if special:
            return with_purpose(view, special, "deploy")
        about = within(view, "deploy", "update", "docs", "change", "security")
        return (
            with_purpose(view, "update", "deploy")
            if about in ("update", "security.updates", "") and _updates(view)
            else with_purpose(view, "deploy", "update")
        )
    if verb in _LOOKS:
        trouble = [purpose for purpose in purposes(view) if purpose in ("diagnostics", "incident.review")]
        return with_purpose(view, "diagnostics", "change") if trouble else with_purpose(view, within(view, "change", "docs") or "change")
    about = within(view, "docs", "change", "deploy", "update")
    return with_purpose(view, about or "change", "change")


def _updates(view: View) -> bool:
    """Whether the text next to it speaks of updating (rather than of a version that is brought out)."""
    return "updat" in view.comment.lower() or "update" in view.title.lower()


RECOGNISER = Recogniser(
    "git",
    (Kind.COMMAND, Kind.ASSIGNMENT),
    read,
    ("git",),
    example="""\
# Shop

## Deploy

```bash
git pull origin main
git log --oneline --since="1 week ago"
```
""",
)
