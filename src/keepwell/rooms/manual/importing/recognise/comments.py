"""Comments in fences: titles of what follows, or things that a person is asked to do."""

import re

from keepwell.rooms.manual.importing.model import Disposition, Fate, Found, Recogniser, View
from keepwell.rooms.manual.importing.topics import about
from keepwell.rooms.manual.importing.wording import asks_for_something
from keepwell.rooms.manual.reading.model import Fence, Kind

_READ = ("shell", "console", "crontab", "sql", "powershell", "text")
_FILE = re.compile(r"^(?:/[\w.@-]+(?:/[\w.@-]+)+|[\w.-]+\.(?:sh|bash|py|sql|ya?ml|conf|cron|js|ts))(?:\s+[-–—:]\s+.*)?$")
_COMMAND = re.compile(
    r"^(?:sudo )?(?:curl|wget|echo|systemctl|service|docker|docker-compose|kubectl|oc|psql|pg_dump|mysql|redis-cli|aws|openssl|tar|cp|rm|mv"
    r"|find|grep|cat|certbot|apt|apt-get|yum|dnf|npm|git|ssh|scp|rsync|crontab|chmod|chown|python3?|node|bash|sh)\s+(?=.*(?:\s-{1,2}\w|[|$\"'>]|/\w|&&))"
)
_MARK = re.compile(r"^\s*(?:#|--|//|;)")


def read(view: View) -> Found | None:
    """A comment. It asks a person for something where it is an instruction that no command follows before the next comment or a gap."""
    fence = view.fence
    text = view.item.text.strip()
    if _FILE.match(text):
        return Found(Fate.NARRATIVE, about(view, "schedule") if text.split()[0].endswith((".sh", ".bash", ".py")) else about(view))
    if _is_command(text) and fence is not None and fence.language in _READ:
        return Found(
            Fate.CHECKLIST, about(view), disposition=Disposition.HUMAN, reason="it is commented out: a person decides whether it runs"
        )
    if fence is None or fence.language not in _READ or not asks_for_something(text) or _is_followed(view, fence):
        return Found(Fate.NARRATIVE, about(view))
    return Found(Fate.CHECKLIST, about(view), disposition=Disposition.HUMAN)


def _is_command(text: str) -> bool:
    """Whether it is a command that is commented out."""
    return bool(_COMMAND.match(text)) and not re.search(r"[.!?]$|\b(?:the|this|that|these|your)\b", text)


def _is_followed(view: View, fence: Fence) -> bool:
    """Whether it titles code: code stands on its own line or on the next one. A line that only closes a block (``fi``) is no code."""
    own = view.manual.line_text(view.item.line)
    if not _MARK.match(own):
        return True
    last = fence.end_line - (1 if fence.closed and not fence.indented else 0)
    following = view.manual.line_text(view.item.line + 1).strip() if view.item.line < last else ""
    if not following or _MARK.match(following):
        return False
    return not re.fullmatch(r"(?:fi|done|esac|\}|\)|EOF|else|;;|end)[;)]*", following)


RECOGNISER = Recogniser(
    "comments",
    (Kind.COMMENT,),
    read,
    order=80,
    example="""\
## New key

```bash
# Tell the partners
# Replace the key in the settings

# Restart
systemctl restart shop
```
""",
)
