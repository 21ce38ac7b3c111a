"""mail, mailx, sendmail, wall, logger and notify-send: somebody is told."""

from keepwell.rooms.manual.importing.command_words import done, inner_command, understood, words
from keepwell.rooms.manual.importing.model import Found, Recogniser, View
from keepwell.rooms.manual.importing.purposes import with_purpose, within
from keepwell.rooms.manual.reading.model import Kind

_PROGRAMS = ("mail", "mailx", "sendmail", "mutt", "msmtp", "swaks", "wall", "logger", "notify-send")
_FLAGS = words("-s -a -c -b -r -S -t -p -i")


def read(view: View) -> Found | None:
    """What an item that tells somebody becomes."""
    command = inner_command(view, *_PROGRAMS)
    if command is None or command.depth:
        return None
    feeders = [part for part in command.pipeline if part.index < command.index]
    clear = understood(view, command, _FLAGS) and all(
        part.name in ("echo", "printf", "cat") and understood(view, part, ("-e", "-n"), *_PROGRAMS) for part in feeders
    )
    own = "logs.layout" if command.name == "logger" else within(view, "incident.comms", "escalate") or "notify"
    return done(view, with_purpose(view, own, "notify"), f"{'journal' if command.name == 'logger' else 'mail'}.send" if clear else "")


RECOGNISER = Recogniser(
    "mail",
    (Kind.COMMAND,),
    read,
    _PROGRAMS,
    order=40,
    example="""\
# Shop

## Alert

```bash
echo "Shop is down" | mail -s "Alert" oncall@shop.internal
```
""",
)
