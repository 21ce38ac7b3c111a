"""KW905: the value of a variable is pasted into JSON, SQL or a command."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand, Word

_FREE = re.compile(
    r"(?:\d+|@|\*|.*(?:message|msg|text|error|output|body|title|subject|reason|summary|description|name|user|input|query|comment))$",
    re.IGNORECASE,
)
_SQL = {"psql": ("-c", "--command"), "mysql": ("-e", "--execute"), "mariadb": ("-e", "--execute")}


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for command in script.commands:
            sentence, fix = _json(command, script) or _sql(command, script) or _evaluated(command, script) or ("", "")
            if sentence:
                yield Finding(command.line, sentence, command.end_line, command.column, fix, width=len(command.name))


def _free(word: Word, script: Script) -> str:
    """A variable in a word that may hold any text: an argument, or one called message or the like; none with constant or computed text."""
    found = []
    for name in word.variables:
        values = [assignment.value for assignment in script.assigned(name) if assignment.value and not assignment.prefix]
        given = any(re.fullmatch(r"\"?\$\{?(\d|[@*])\}?.*", value.raw) for value in values)
        if given or (not values and _FREE.match(name)):
            found.append(name)
    return next((name for name in found if _FREE.match(name)), next(iter(found), ""))


def _json(command: ShellCommand, script: Script) -> tuple[str, str] | None:
    if command.name not in ("curl", "http", "wget"):
        return None
    for word in command.options("-d", "--data", "--data-raw", "--data-binary", "--json", "--post-data"):
        name = _free(word, script) if re.match(r"\s*[{\[]", word.filled) else ""
        if name:
            return f"${name} is pasted into the JSON: a quote or line break in it makes the request invalid, and the message is lost", (
                f'--data "$(jq -n --arg text "${name}" \'{{text: $text}}\')"'
            )
    return None


def _sql(command: ShellCommand, script: Script) -> tuple[str, str] | None:
    for word in command.options(*_SQL.get(command.name, ())):
        name = _free(word, script)
        if name and re.search(rf"['=(]\s*\$\{{?{re.escape(name)}\b", word.filled):
            return f"${name} is pasted into the SQL: a quote in it ends the text and the rest is executed", (
                f"psql -v value=\"${name}\" and :'value' in a here-document"
                if command.name == "psql"
                else "check the value against a pattern first"
            )
    return None


def _evaluated(command: ShellCommand, script: Script) -> tuple[str, str] | None:
    name = next((found for word in command.operands if (found := _free(word, script))), "") if command.name == "eval" else ""
    return (f"eval executes whatever ${name} holds", "call the command itself, with an array for its arguments") if name else None


RULE = Rule(
    id="KW905",
    name="data-pasted-into-a-language",
    title="Data are pasted into JSON, SQL or a command",
    severity=Severity.WARNING,
    why="The shell puts the value in as it is. An error message with a quote or a line break makes the JSON invalid, so the alert "
    "about the error is the one "
    "that does not arrive; in SQL and eval the rest of the value is executed. jq --arg, psql -v and arrays keep data and language apart. "
    "Source: RFC 8259, section 7; jq(1), --arg; psql(1), SQL Interpolation.",
    bad="""# Alert

```bash
#!/bin/bash
# alert.sh
message=$1
curl -fs --data "{\\"text\\": \\"$message\\"}" https://chat.example.org/hook
```
""",
    good="""# Alert

```bash
#!/bin/bash
# alert.sh
message=$1
curl -fs --data "$(jq -n --arg text "$message" '{text: $text}')" https://chat.example.org/hook
```
""",
    check=_check,
)
