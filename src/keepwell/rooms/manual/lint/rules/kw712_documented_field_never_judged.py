"""KW712: the manual documents a field of an answer, and its scripts never look at it."""

import re
from collections.abc import Iterator, Sequence

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Fence, Manual
from keepwell.rooms.manual.reading.parts import Setting

_ANSWER = re.compile(r"\b(response|answer|healthy|expected (output|result)|returns)\b", re.IGNORECASE)
_STATUS = frozenset(("status", "state", "health"))
_PARTS = frozenset(("services", "components", "checks", "dependencies"))
_FIGURES = frozenset(("metrics", "stats"))
_FEWEST_READ = 1


def _check(manual: Manual) -> Iterator[Finding]:
    judged = _shell_text(manual)
    if not re.search(r"\bjq\b.*\.\w", judged):
        return
    for fence in manual.fences:
        if fence.language == "json" and fence.settings and not fence.file and _is_answer(manual, fence):
            yield from _of_answer(fence, judged)


def _shell_text(manual: Manual) -> str:
    return "\n".join(script.text for script in manual.scripts if script.complete)


def _is_answer(manual: Manual, fence: Fence) -> bool:
    return bool(_ANSWER.search(manual.words_near(fence.line, before=2, after=2)))


def _of_answer(fence: Fence, judged: str) -> Iterator[Finding]:
    groups: dict[str, list[Setting]] = {}
    for setting in fence.settings:
        groups.setdefault(setting.path[0], []).append(setting)
    for name, settings in groups.items():
        first = settings[0]
        line = first.line if len(first.path) == 1 else first.line - 1
        if name.lower() in _STATUS and len(first.path) == 1 and not _compared(first.value, judged):
            yield Finding(
                line,
                f'no script compares {name} with "{first.value}": an answer that says otherwise passes for healthy',
                fix=f"jq -e '.{name} == \"{first.value}\"'",
            )
        elif name.lower() in _PARTS and len(first.path) > 1 and not re.search(rf"\.{re.escape(name)}\b", judged):
            listed = ", ".join(setting.path[1] for setting in settings[:4])
            yield Finding(
                line,
                f"no script reads {name} ({listed}), so a failed one raises no alert",
                fix=f"judge each of .{name} in the health check",
            )
        elif name.lower() in _FIGURES and len(first.path) > 1:
            yield from _unread(name, settings, line, judged)


def _compared(value: str, judged: str) -> bool:
    """Whether the word is compared with, matched or selected by."""
    return bool(re.search(rf"(=|\bgrep\b[^\n|]*|select\([^\n]*)[\s\"'\\]*{re.escape(value)}\b", judged))


def _unread(name: str, settings: Sequence[Setting], line: int, judged: str) -> Iterator[Finding]:
    unread = [setting.path[1] for setting in settings if not re.search(rf"\.{re.escape(setting.path[1])}\b", judged)]
    if unread and len(settings) - len(unread) >= _FEWEST_READ:
        yield Finding(
            line,
            f"no script reads {' and '.join(unread[:4])} of {name} from this answer",
            fix="collect and judge them, or leave them out of the answer",
        )


RULE = Rule(
    id="KW712",
    name="documented-field-never-judged",
    title="A documented field of an answer is looked at by no script",
    severity=Severity.WARNING,
    why="The manual says what a healthy answer looks like, and its monitor decides by something else, mostly the HTTP status alone. An "
    "application that "
    "answers 200 and says in the body that its database is gone then counts as healthy. Source: draft-inadarei-api-health-check (the "
    "status and the "
    "checks of a health response).",
    bad="""# Health

## Expected response

```json
{"status": "healthy", "uptime": 5}
```

```bash
#!/bin/bash
body=$(curl -sf http://localhost:8080/health)
echo "uptime $(echo "$body" | jq .uptime)"
```
""",
    good="""# Health

## Expected response

```json
{"status": "healthy", "uptime": 5}
```

```bash
#!/bin/bash
curl -sf http://localhost:8080/health | jq -e '.status == "healthy"'
```
""",
    check=_check,
)
