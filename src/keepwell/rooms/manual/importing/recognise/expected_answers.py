"""What a healthy answer looks like: a fence of JSON below a heading or a sentence that speaks of the response."""

import json
import re
from collections.abc import Iterator
from typing import Any

from keepwell.kernel.conditions import parse_path
from keepwell.rooms.manual.importing.model import ExpectDraft, Fate, Found, Recogniser, View
from keepwell.rooms.manual.importing.topics import about
from keepwell.rooms.manual.reading.model import Fence, Kind

_ANSWER = re.compile(
    r"\bexpected\b|\b(?:healthy|sample|example|successful|normal|correct|typical)\b.{0,20}\b(?:response|answer|output|result)"
    r"|\b(?:response|answer|output|result)s?\b.{0,20}(?:is|looks?|like|should|:)|\breturns?\b|\bshould (?:be|show|see|return|look)\b"
    r"|\bfor example\b|\bexample (?:error )?(?:message|output|response)|\b(?:health check|api|json) responses?\b"
)
_HEALTH = re.compile(r"\bexpected\b|\bhealth|\bshould (?:be|return|show)\b")
_ILL = re.compile(r"\bun-?health|\bdegraded\b|\bfail|\berror\b|\bdown\b")
_GOOD = frozenset(("ok", "up", "healthy", "operational", "connected", "ready", "true", "pass", "passed", "active", "running")) | {
    "available", "green", "online", "alive", "success", "enabled", "good"
}  # fmt: skip
_WORD = re.compile(r"[A-Za-z][\w-]{0,63}", re.ASCII)
_PATH = re.compile(r"(?:GET\s+|https?://[^/\s`]+)(/[\w./-]*)|`(/[\w./-]+)`", re.IGNORECASE)
_DEEPEST = 4


def read(view: View) -> Found | None:
    """A fence that shows an answer. Only words that say that something is well are expected: numbers and times change."""
    fence = view.fence
    if fence is None or not _is_answer(fence):
        return None
    before = _before(view, fence)
    if not _ANSWER.search(before):
        return None
    value = _value(fence.content)
    conditions = dict(_conditions(value, ())) if isinstance(value, dict) and _HEALTH.search(before) and not _ILL.search(before) else {}
    path = next((found[1] or found[2] for found in _PATH.finditer(before)), "")
    drafts = (ExpectDraft(conditions, path),) if conditions else ()
    capabilities = ("check.http", "api") if drafts else about(view, fallback="api")
    return Found(Fate.EXAMPLE, capabilities, drafts=drafts)


def _is_answer(fence: Fence) -> bool:
    if fence.language == "json":
        return True
    return fence.language in ("shell", "console", "text") and bool(re.match(r"\s*[\[{]\s*(?:$|[\"{\[])", fence.content, re.MULTILINE))


def _before(view: View, fence: Fence) -> str:
    """The heading and the lines that lead the fence in, and comments at its head."""
    lines = view.manual.lines[max(0, fence.line - 4) : fence.line - 1]
    head = [text.strip() for _, text in fence.lines[:2] if text.lstrip().startswith(("//", "#"))]
    return " ".join((view.title, *lines, *head)).lower()


def _value(content: str) -> Any:
    text = "\n".join(line for line in content.split("\n") if not line.lstrip().startswith(("//", "#")))
    try:
        return json.JSONDecoder().raw_decode(text.lstrip())[0]
    except (ValueError, RecursionError):
        return None


def _conditions(value: dict[str, Any], path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for key, inner in list(value.items())[:50]:
        if not isinstance(key, str) or not _WORD.fullmatch(key):
            continue
        here = (*path, key)
        if isinstance(inner, dict) and len(here) < _DEEPEST:
            yield from _conditions(inner, here)
        elif isinstance(inner, str) and _WORD.fullmatch(inner) and inner.lower() in _GOOD and _is_path(".".join(here)):
            yield f"json.{'.'.join(here)}", inner


def _is_path(text: str) -> bool:
    try:
        parse_path(text)
    except ValueError:
        return False
    return True


RECOGNISER = Recogniser(
    "expected answers",
    (Kind.FENCE,),
    read,
    order=44,
    example="""\
## Healthy response

```json
{"status": "ok", "services": {"mail": "connected"}, "uptime": 12}
```
""",
)
