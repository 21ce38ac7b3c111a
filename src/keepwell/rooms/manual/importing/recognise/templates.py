"""Text to be filled in and sent or filed: fences and lines with blanks."""

import re

from keepwell.rooms.manual.importing.limits_in_words import duration_in
from keepwell.rooms.manual.importing.model import EntryDraft, Fate, Found, Recogniser, View
from keepwell.rooms.manual.importing.topics import about
from keepwell.rooms.manual.reading.model import Fence, Kind

_BLANK = re.compile(
    r"\[[A-Za-z][\w /,.:'-]{1,60}\](?!\()|<[A-Za-z][\w /,.:'-]{2,80}>"
    r"|\{\{?\s*[A-Za-z][\w .-]{1,40}\s*\}?\}|_{4,}|\bX{2,}:X{2,}\b|\bYYYY-MM-DD\b"
)
_FORM = re.compile(
    r"\b(?:templates?|notifications?|announcement|message|forms?|e-?mail|communicat\w+|notice|report format|statement)\b", re.IGNORECASE
)
_LANGUAGES = frozenset(("text", "markdown", "md", "html", "mail", "email", "shell", "console"))
_UPDATES = re.compile(r"\bevery\s+(\d+\s*(?:minutes?|min|hours?))\b", re.IGNORECASE)
_CODE = re.compile(r"\b(P[0-5]|SEV-?[0-5])\b")


def read(view: View) -> Found | None:
    """A fence of prose with blanks below a heading (or a sentence) that speaks of a template, or with two blanks and more."""
    if view.item.kind is not Kind.FENCE:
        text = view.item.text
        asked = re.search(r"\btemplates?\b|\bform\b", view.title, re.IGNORECASE)
        return Found(Fate.TEMPLATE, about(view)) if asked and _BLANK.search(text) and "](" not in text else None
    fence = view.fence
    if fence is None or fence.language not in _LANGUAGES:
        return None
    if fence.script and fence.script.commands:
        return _written(view, fence)
    blanks = len(_BLANK.findall(fence.content[:8000]))
    before = view.manual.lines[max(0, fence.line - 3) : fence.line - 1]
    named = bool(_FORM.search(" ".join((view.title, *before))))
    if not (blanks > 1 or (blanks and named)) or _is_output(fence.content, named):
        return None
    return Found(Fate.TEMPLATE, about(view, *_purpose(view)), drafts=_updates(fence.content))


def _written(view: View, fence: Fence) -> Found | None:
    """A fence whose only command writes a form into a file."""
    commands = fence.script.commands if fence.script else ()
    body = commands[0].heredoc.body if len(commands) == 1 and commands[0].heredoc else ""
    return Found(Fate.TEMPLATE, about(view, *_purpose(view))) if len(_BLANK.findall(body[:8000])) > 1 else None


def _is_output(content: str, named: bool) -> bool:
    """Whether it is a log or a listing that happens to have brackets."""
    return not named and bool(re.search(r"^\S*\d{2}:\d{2}:\d{2}|^[A-Z]\d{4} |^\s*[{\[]", content, re.MULTILINE))


def _purpose(view: View) -> tuple[str, ...]:
    words = " ".join((*view.item.section[-2:], (view.fence.content if view.fence else "")[:200])).lower()
    if re.search(r"\bincident|\boutage", words):
        return ("incident.comms", "incident.policy")
    return ("change",) if re.search(r"\bchange (?:request|management)", words) else ()


def _updates(content: str) -> tuple[EntryDraft, ...]:
    """How often people are told during an incident of the severity that the form names."""
    code, every = _CODE.search(content), _UPDATES.search(content)
    update = duration_in(every[1]) if every else ""
    return (EntryDraft("incidents.severities", code[1].replace("-", ""), {"update": update}),) if code and update else ()


RECOGNISER = Recogniser(
    "forms",
    (Kind.FENCE, Kind.LIST_ITEM, Kind.PARAGRAPH),
    read,
    order=42,
    example="""\
## Notice to customers (template)

```
Since [time] the shop is slow. The next news comes every 30 minutes from [name].
```
""",
)
