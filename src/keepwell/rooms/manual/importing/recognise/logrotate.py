"""logrotate: a rotation that is forced or tried (logrotate(8)). Its configuration is read in log_files."""

from keepwell.rooms.manual.importing.client_words import first_named, only, options, plain_words, spine
from keepwell.rooms.manual.importing.model import Fate, Found, Recogniser, View
from keepwell.rooms.manual.reading.model import Kind

_FLAGS = options("-f --force -d --debug -v --verbose -s --state -m --mail -l --log")


def _read(view: View) -> Found | None:
    command = first_named(view, "logrotate")
    if command is None:
        return None
    understood = only(command, _FLAGS) and plain_words(view) and len(spine(view)) == 1
    verb = "test" if command.has_flag("-d", "--debug") else "force" if command.has_flag("-f", "--force") else "run"
    return Found(Fate.LOGS, ("logs.rotate", "logs.cleanup"), f"logrotate.{verb}" if understood else "")


RECOGNISER = Recogniser(
    name="logrotate",
    kinds=(Kind.COMMAND, Kind.ASSIGNMENT),
    programs=("logrotate",),
    read=_read,
    example="""# Shop

```bash
logrotate -f /etc/logrotate.d/shop
```
""",
)
