"""KW803: a step of a procedure is a comment, and no command does it."""

import re
from collections.abc import Iterator
from itertools import pairwise

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Note, Script

from .tasks import NO_COMMAND, bare, verb_of

_COMMAND = re.compile(r"^[a-z][\w./-]*\s+(?:.*\s)?(?:-{1,2}\w|[\w.]*/[\w.]|\|)|^(?:echo|mail|curl|ssh|systemctl|kubectl|docker)\s+\S")
_PEOPLE = frozenset(("", "contact", "notify", "inform", "escalate"))
"""What is done by talking: KW806 asks whom."""
_FILE = re.compile(r"^\S+\.\w{1,4}\b")
_OPTIONAL = re.compile(r"\b(optional|if applicable|or:?$|alternative|example|for example)\b", re.IGNORECASE)


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        if script.origin in ("fence", "console", "heredoc"):
            yield from _of_script(manual, script)


def _of_script(manual: Manual, script: Script) -> Iterator[Finding]:
    notes = [note for note in script.comments if not note.trailing]
    by_line = {note.line: note for note in notes}
    for note in notes:
        if note.line - 1 in by_line:
            continue
        run = _run(note, by_line)
        follows = _content(manual, run[-1].line + 1)
        if any(part.text.lstrip("- ").startswith("...") for part in run) or _announced(manual, note.line):
            continue
        yield from _of_run(run, follows, manual)


def _run(note: Note, by_line: dict[int, Note]) -> list[Note]:
    """The comments on consecutive lines from this one on."""
    run = [note]
    while run[-1].line + 1 in by_line:
        run.append(by_line[run[-1].line + 1])
    return run


def _content(manual: Manual, line: int) -> bool:
    """Whether a line does something."""
    text = manual.line_text(line).strip()
    return bool(text) and text.rstrip(";") not in NO_COMMAND and not text.startswith(("```", "~~~"))


def _announced(manual: Manual, line: int) -> bool:
    """Whether an echo right over the comments announces the step: KW714 speaks of that."""
    above = manual.line_text(line - 1).strip()
    return bool(re.match(r"echo\b.*\b(escalat|send|notify|alert|pag)ing\b", above, re.IGNORECASE))


def _of_run(run: list[Note], follows: bool, manual: Manual) -> Iterator[Finding]:
    steps = [note for note in run if verb_of(note.text) not in _PEOPLE and not _FILE.match(note.text)]
    if follows and not (steps and steps[-1] is run[-1] and len(steps) == len(run)):
        return  # a comment of several lines over one command
    heads = {one.line for one, after in pairwise(run) if after.text.startswith(("-", "*")) and not one.text.startswith(("-", "*"))}
    steps = [note for note in steps if note.line not in heads]
    shown = next((note for note in run if not verb_of(note.text) and _COMMAND.match(note.text)), None)
    for note in steps[:-1] if follows else steps:
        step = bare(note.text)
        if shown is not None and note.line < shown.line:
            message = f'"{step}": its command is commented out, so nothing is done'
        elif _OPTIONAL.search(step) and shown is None and not re.search(r"if applicable|optional", step, re.IGNORECASE):
            continue
        else:
            message = f'"{step}" is a step without a command'
        column = manual.line_text(note.line).find("#") + 1
        yield Finding(
            note.line,
            message[:290],
            column=column,
            width=len(note.text) + 2,
            fix="give the command, or say where to click and how to see that it worked",
        )


RULE = Rule(
    id="KW803",
    name="step-that-is-only-a-comment",
    title="A step is only a comment: no command does it",
    severity=Severity.NOTE,
    why="Whoever follows the manual at night pastes the block, sees no error and believes that all its steps were done; those that are "
    "only "
    "comments were not. Worse where a later line is a real command that relied on them, such as the deletion of the old key. A step "
    "needs its "
    "command, or where it is done by hand: where, and how to see that it worked. Source: Google, Site Reliability Workbook, On-Call "
    "(playbooks).",
    bad="""# Key rotation

```bash
# Create a new key
aws iam create-access-key --user-name shop

# Put the new key into the configuration
# Test the new key

# Delete the old key
aws iam delete-access-key --user-name shop --access-key-id OLD
```
""",
    good="""# Key rotation

```bash
# Create a new key
# (needs the role of an administrator)
aws iam create-access-key --user-name shop

# Test the new key
AWS_PROFILE=shop-new aws sts get-caller-identity
```
""",
    check=_check,
    grouped=True,
)
