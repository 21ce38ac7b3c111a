"""KW702: a command needs a file whose content the manual does not give."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.names import last_part
from keepwell.rooms.manual.reading.shell_model import ShellCommand, Word

from .tasks import place

_FROM_A_FILE = ("-w", "--write-out", "-d", "--data", "--data-binary", "--data-raw", "--json", "-K", "--config", "-T", "--upload-file")
_SYSTEM = re.compile(
    r"^/(proc|sys|dev|run|usr|lib)/|^/etc/(passwd|hosts|resolv\.conf|fstab|os-release|group|logrotate\.conf|nginx/nginx\.conf)$"
)
_OTHERS = re.compile(r"\.(log|gz|zip|dump|bak|pem|crt|key|csr|pub)$")


def _check(manual: Manual) -> Iterator[Finding]:
    told: set[str] = set()
    for command in manual.commands:
        for word, what, without in _needed(command):
            name = word.lstrip("@")
            if _known(manual, name) or (name in told and without.endswith("cannot be told")):
                continue  # what cannot be told is said once for a file; what does not work, at each place
            told.add(name)
            column, width = place(manual, command.line, word)
            yield Finding(
                command.line,
                f"{name} stands nowhere in the manual, so {without}",
                column=column,
                width=width,
                fix=f"show {what}, or say where it is kept",
            )


def _known(manual: Manual, name: str) -> bool:
    base = last_part(name)
    if not base or "$" in name or "<" in name or "*" in name or _SYSTEM.search(name) or _OTHERS.search(base):
        return True
    return manual.names.defines(base) or any(use.how in ("written", "made") and use.name == base for use in manual.names.files)


def _needed(command: ShellCommand) -> Iterator[tuple[str, str, str]]:
    """The file as written, what it is, and what cannot be told without it."""
    if command.name == "curl":
        for word in command.options(*_FROM_A_FILE):
            if word.filled.startswith("@") and len(word.filled) > 2 and word.filled != "@-":
                timed = command.option("-w", "--write-out") is word
                yield word.filled, "the file", "nothing is measured here" if timed else "what is sent cannot be told"
    elif command.name == "logrotate":
        for word in command.operands:
            yield word.filled, "the logrotate file", "how often, how many and what else is rotated cannot be told"
    elif command.name in ("psql", "sqlplus") and _file(command.option("-f", "--file")).endswith(".sql"):
        yield _file(command.option("-f", "--file")), "the statements", "what is done to the database cannot be told"
    elif command.name in ("kubectl", "oc") and command.subcommand in ("apply", "create", "replace"):
        for word in command.options("-f", "--filename"):
            if word.filled.endswith((".yaml", ".yml", ".json")) and "://" not in word.filled:
                yield word.filled, "the manifest", "what is changed in the cluster cannot be told"


def _file(word: Word | None) -> str:
    return word.filled if word else ""


RULE = Rule(
    id="KW702",
    name="file-not-in-the-manual",
    title="A command needs a file that the manual does not contain",
    severity=Severity.NOTE,
    why="curl prints nothing at all where its format file is missing and is silent about it, and what a forced logrotate or an applied "
    "manifest does "
    "stands in their file alone. Without it the step does nothing, or nobody knows what. Source: curl(1), -w, --write-out; logrotate(8).",
    bad="""# Response times

```bash
curl -w "@curl-format.txt" -o /dev/null -s https://shop.example.org/
```
""",
    good="""# Response times

```bash
cat > curl-format.txt << 'EOF'
time_total: %{time_total}\\n
EOF
curl -f -w "@curl-format.txt" -o /dev/null -s https://shop.example.org/
```
""",
    check=_check,
    grouped=True,
)
