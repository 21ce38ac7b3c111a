"""KW303: what has to happen before a deletion stands there as comments only."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Note, Script, ShellCommand

from .deleting import removes_tree
from .saying import short

_STEP = re.compile(
    r"(?:\d+[.)]\s*)?(?:update|test|verif\w*|back up|copy|move|migrate|check|confirm|wait|notify|drain|export|switch|replace|save|deploy"
    r"|roll out|make sure|ensure)\b",
    re.IGNORECASE,
)
_DESTROYS = re.compile(r"^(?:delete|remove|terminate|destroy|purge|revoke|deregister|drop|uninstall)\b")


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for command in script.commands:
            steps = _steps_before(script, command) if _destroys(command) else []
            if steps:
                lines = f"line {steps[0].line}" if len(steps) == 1 else f"lines {steps[0].line} to {steps[-1].line}"
                yield Finding(
                    command.line,
                    f'"{short(steps[0].text, 50)}" ({lines}) is only a comment: pasted as it stands, the block deletes '
                    "and does nothing of what must come before",
                    column=command.column,
                    width=len(command.name),
                    fix="a block of its own for the deletion, behind commands that do and check those steps",
                )


def _steps_before(script: Script, command: ShellCommand) -> list[Note]:
    """The comments between the command before and this one that are steps of their own; the last one speaks for this command."""
    before = command.previous
    start = before.end_line if before is not None else script.line - 1
    notes = [note for note in script.comments if start < note.line < command.line and not note.trailing]
    return [note for note in notes[:-1] if _STEP.match(note.text)]


def _destroys(command: ShellCommand) -> bool:
    words = [word.filled for word in command.operands]
    if command.depth or command.name in ("echo", "printf"):
        return False
    if command.name in ("userdel", "dropdb", "shred", "deluser") or removes_tree(command):
        return True
    if command.name == "aws":
        return any(_DESTROYS.match(word) for word in words[1:2])
    if command.name in ("kubectl", "oc", "gcloud", "az", "terraform", "vault", "docker", "gh"):
        return any(_DESTROYS.match(word) or word == "rm" for word in words[:4])
    return False


RULE = Rule(
    id="KW303",
    name="deletes-after-steps-that-are-comments",
    title="What must come before a deletion is only a comment",
    severity=Severity.ERROR,
    why="A block is copied whole. Where the careful steps are comments and the deletion is a command, only the deletion happens: the old "
    "key is gone before "
    "anything uses the new one. Source: AWS IAM User Guide, Updating access keys (make it inactive first, delete it later).",
    bad="""# Key rotation

```bash
aws iam create-access-key --user-name shop
# Update the service with the new key
# Test that it works
# Delete the old key
aws iam delete-access-key --user-name shop --access-key-id OLD_KEY_ID
```
""",
    good="""# Key rotation

```bash
# Delete the old key
aws iam delete-access-key --user-name shop --access-key-id OLD_KEY_ID
```
""",
    check=_check,
)
