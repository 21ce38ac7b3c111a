"""jmap, jstat, jstack and jcmd: a look into a running Java program; and the options that one is started with."""

import re

from keepwell.rooms.manual.importing.command_words import done, main_command, understood, words
from keepwell.rooms.manual.importing.model import Fate, Found, Recogniser, View
from keepwell.rooms.manual.importing.purposes import with_purpose
from keepwell.rooms.manual.reading.model import Kind

_FLAGS = {
    "jmap": "-histo -heap -dump -F",
    "jstat": "-gc -gcutil -gccapacity -gccause -t",
    "jstack": "-l -F -e",
    "jcmd": "-l",
    "jps": "-l -v -m",
    "jinfo": "-flags -flag",
}
_OPERATIONS = {
    "jmap": "heap_histogram",
    "jstat": "garbage_collection",
    "jstack": "threads",
    "jcmd": "command",
    "jps": "processes",
    "jinfo": "flags",
}
_MACHINE_OPTION = re.compile(r"-X(?:m[sxn]\d+[kKmMgG]?|ss\d+|X:)")


def read(view: View) -> Found | None:
    """What an item about a Java program becomes."""
    if view.item.kind is Kind.ASSIGNMENT:
        tunes = bool(_MACHINE_OPTION.search(view.item.text)) and not view.pipeline
        return Found(Fate.EXAMPLE, with_purpose(view, "tuning")) if tunes else None
    command = main_command(view, *_FLAGS)
    if command is None:
        return None
    clusters = words(_FLAGS[command.name])
    clear = all(word.filled in clusters or not word.filled.startswith("-") for word in command.arguments) and understood(
        view, command, command.flags
    )
    operation = f"java.{_OPERATIONS[command.name]}" if clear else ""
    return done(view, with_purpose(view, "diagnostics", "check.process"), operation)


RECOGNISER = Recogniser(
    "java",
    (Kind.COMMAND, Kind.ASSIGNMENT),
    read,
    order=40,
    example="""\
# Shop

## High memory

```bash
jmap -histo $(pgrep java) | head -20
JAVA_OPTS="-Xms1g -Xmx2g"
```
""",
)
