"""vim, nano, crontab -e, visudo and open: a person edits or looks."""

from keepwell.rooms.manual.importing.command_words import main_command, settled, words
from keepwell.rooms.manual.importing.model import Disposition, Fate, Found, Recogniser, View
from keepwell.rooms.manual.importing.purposes import purposes
from keepwell.rooms.manual.importing.topics import capabilities_of
from keepwell.rooms.manual.reading.model import Kind
from keepwell.rooms.manual.reading.shell_model import ShellCommand

_EDITORS = words("vim vi nano emacs code micro joe pico ed visudo sudoedit editor")
_BROWSERS = words("open xdg-open firefox chromium google-chrome")
_ABOUT = (
    ("logrotate", "logs.rotate"),
    ("alert", "rule"),
    ("cron", "schedule"),
    ("sysctl", "tuning"),
    ("postgresql.conf", "database.tuning"),
    ("sudoers", "security.accounts"),
    ("ssh", "security.auth"),
    ("nginx", "change"),
    (".env", "env.audit"),
)


def read(view: View) -> Found | None:
    """What an item that opens something for a person becomes."""
    command = main_command(view, *_EDITORS, *_BROWSERS, "crontab")
    if command is None or (command.name == "crontab" and not command.has_flag("-e", "-l")):
        return None
    if command.name == "crontab":
        edits = command.has_flag("-e")
        reason = "a person edits the crontab; the work in it becomes tasks" if edits else ""
        return Found(Fate.STEP, ("schedule",), "cron.edit" if edits else "cron.list", (), _by(edits), reason)
    missing = settled(view, command.text)[1]
    looks = command.name in _BROWSERS
    reason = "a person looks at it" if looks else "a person edits the file"
    operation = "person.open" if looks else "person.edit"
    return Found(Fate.STEP, _capabilities(view, command, looks), operation, (), Disposition.HUMAN, reason, missing)


def _by(a_person: bool) -> Disposition:
    return Disposition.HUMAN if a_person else Disposition.CARRIED


def _capabilities(view: View, command: ShellCommand, looks: bool) -> tuple[str, ...]:
    named = " ".join(word.filled for word in command.operands).lower()
    about = next((capability for part, capability in _ABOUT if part in named), "")
    own = "dashboard" if looks else about or next(iter(capabilities_of(view.comment)), "")
    return tuple(dict.fromkeys(word for word in (own, *purposes(view)) if word))[:2]


RECOGNISER = Recogniser(
    "editors",
    (Kind.COMMAND,),
    read,
    (*sorted(_EDITORS), *sorted(_BROWSERS), "crontab"),
    order=40,
    example="""\
# Shop

## Alert rules

```bash
vim /etc/shop/alerts.yml
open http://dashboard.shop.internal
crontab -e
```
""",
)
