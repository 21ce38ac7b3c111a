"""Lines of logs are searched, counted, grouped, followed with grep, awk, sort, tail and their like."""

import re
from typing import Any

from keepwell.rooms.manual.importing.client_words import plain_words, said_near, spine
from keepwell.rooms.manual.importing.log_shapes import TOOLS, Shape, shape_of
from keepwell.rooms.manual.importing.log_words import is_log, log_entry, topic_of
from keepwell.rooms.manual.importing.model import Disposition, Fate, Found, Missing, Recogniser, View, Wanting
from keepwell.rooms.manual.importing.names import slug
from keepwell.rooms.manual.importing.purposes import purposes
from keepwell.rooms.manual.reading.model import Kind

_READERS = (
    "jq",
    "mail",
    "mailx",
    "while",
    "read",
    "column",
    "nl",
    "rev",
    "less",
    "bc",
    "paste",
    "ccze",
    "perl",
    "python3",
    "goaccess",
    "echo",
)
"""What else lines of a log are handed to, without anything being changed by it."""
_LAST = re.compile(r"\b(?:last|past)-([1-9][0-9]{0,3})-(hour|day|week)s?\b")
_SCRIPTS = (".py", ".sh", ".pl", ".rb", ".js")


def _read(view: View) -> Found | None:
    commands = spine(view)
    shape = shape_of(view, commands) if commands else None
    if shape is None or not all(command.name in _READERS or command.name.endswith(_SCRIPTS) for command in shape.strangers):
        return None
    logs = tuple(path for path in shape.paths if is_log(path))
    if not logs:
        return None
    operation = f"logs.{shape.operation}" if shape.understood and plain_words(view) else ""
    missing = tuple(
        Missing(command.name, Wanting.SCRIPT, command.words[0].raw, f"The program {command.name}, which reads lines of the log")
        for command in shape.strangers
        if command.name.endswith(_SCRIPTS) and not view.manual.names.defines(command.name)
    )
    drafts = tuple(log_entry(path, **_value(view, shape, path)) for path in logs if "$" not in path and "`" not in path)
    disposition = Disposition.MISSING if missing else Disposition.CARRIED
    return Found(Fate.LOGS, _capabilities(view, shape, logs[0]), operation, drafts, disposition, missing=missing)


def _value(view: View, shape: Shape, path: str) -> dict[str, Any]:
    """What the policy of the log looks for: ``watch`` where somebody follows it, ``analyse`` where it is asked once in a while."""
    known = [text for text in shape.patterns if "$(" not in text and "`" not in text and not re.search(r"\$\w|\$\{", text)]
    wanted: dict[str, Any] = {"pattern": known[0]} if len(known) == 1 else {"patterns": known} if known else {}
    if shape.operation == "follow":
        return {"watch": [wanted]} if wanted else {}
    name = _name(view, shape)
    question: dict[str, Any] = {
        "name": name,
        "in": path,
        "ask": shape.operation,
        **wanted,
    }
    left_out = [text for text in shape.not_patterns if "$" not in text]
    # A date that a program makes stands for the lines of one day.
    over = "1d" if any("$(date" in text or "`date" in text for text in shape.patterns) else _span(name)
    more = {"without": left_out, "by": shape.by, "last": shape.last, "figure": shape.figure, "over": over}
    question |= {key: value for key, value in more.items() if value}
    return {"analyse": [question]}


def _span(name: str) -> str:
    """The span that the manual says and its command does not look for: ``average-over-last-30-days``."""
    found = _LAST.search(name)
    return f"{found[1]}{found[2][0]}" if found else ""


def _name(view: View, shape: Shape) -> str:
    """What the question is called: by its comment, else by what the script says just before it, else by its section."""
    before = spine(view)[0].previous
    said = re.sub(r"\\[a-z]", " ", before.operands[0].filled if before is not None and before.name == "echo" and before.operands else "")
    plain = slug(said) if "$" not in said and "`" not in said else ""
    return slug(view.comment) or plain or "-".join(part for part in (slug(view.title), slug(shape.figure)) if part) or shape.operation


def _capabilities(view: View, shape: Shape, path: str) -> tuple[str, ...]:
    topic = topic_of(" ".join(shape.patterns), path, view.comment)
    said = purposes(view)
    if shape.operation == "statistics" and re.search(r"\bcapacity\b|\bgrowth\b", said_near(view, 8)):
        return ("capacity", "logs.analyse")
    if shape.operation == "follow" and not topic:
        return ("check.log", "diagnostics") if shape.patterns else ("diagnostics", "check.log")
    evidence = "incident.evidence" if "incident.evidence" in said[:1] else ""
    capabilities = (topic, evidence, "logs.analyse", "check.log" if "diagnostics" in said else "report")
    return tuple(dict.fromkeys(word for word in capabilities if word))[:2]


RECOGNISER = Recogniser(
    name="log_pipelines",
    kinds=(Kind.COMMAND, Kind.ASSIGNMENT),
    programs=TOOLS,
    read=_read,
    order=45,
    example="""# Shop

## Logs

```bash
# Errors of the day by kind
grep ERROR /var/log/shop/app.log | awk '{print $4}' | sort | uniq -c | sort -nr | head -20
tail -f /var/log/shop/app.log | grep -E "(ERROR|FATAL)"
```
""",
)
