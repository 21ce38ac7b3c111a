"""Calls of a script's own functions: what they do stands in the function, when they do it stands here."""

import re

from keepwell.rooms.manual.importing.command_words import main_command
from keepwell.rooms.manual.importing.model import Fate, Found, Recogniser, View
from keepwell.rooms.manual.importing.purposes import with_purpose
from keepwell.rooms.manual.importing.script_index import index_of
from keepwell.rooms.manual.importing.topics import capabilities_of
from keepwell.rooms.manual.reading.model import Kind

_TELLS = re.compile(r"alert|notif|slack|mail|page|warn", re.IGNORECASE)
_LOGS = re.compile(r"^_?log(?:_|$)|logger", re.IGNORECASE)


def read(view: View) -> Found | None:
    """What a call of a function becomes: a step, about what the function's name says."""
    command = main_command(view)
    if command is None or view.script is None or command.name not in view.script.functions:
        return None
    name = command.name.replace("_", " ").replace("-", " ")
    if _TELLS.search(name):
        judged = bool(index_of(view.script).compared_names)
        return Found(Fate.STEP, ("notify", "rule") if judged else with_purpose(view, "notify"))
    if _LOGS.search(name):
        return Found(Fate.STEP, with_purpose(view, "logs.layout"))
    return Found(Fate.STEP, with_purpose(view, *capabilities_of(name)[:1]))


RECOGNISER = Recogniser(
    "functions",
    (Kind.COMMAND,),
    read,
    order=85,
    example="""\
# Shop

## Monitoring script

```bash
send_alert() {
  echo "$1" | mail -s "Shop" oncall@shop.internal
}
send_alert "Shop is down"
```
""",
)
