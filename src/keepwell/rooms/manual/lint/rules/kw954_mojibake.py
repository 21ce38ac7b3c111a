"""KW954: characters of the manual were decoded wrongly."""

from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual


def _check(manual: Manual) -> Iterator[Finding]:
    if any(manual.fence_at(part.line) is None for part in manual.mended[:50]):  # in code alone it may be meant
        first = manual.mended[0]
        more = f" and {len(manual.mended) - 1} more lines are" if len(manual.mended) > 1 else " is"
        yield Finding(
            first.line,
            f"this line{more} mojibake: {_short(first.written)!r} was {_short(first.read)!r}",
            fix="save the file as UTF-8 once, from the right characters",
        )


def _short(text: str) -> str:
    return " ".join(text.split())[:60]


RULE = Rule(
    id="KW954",
    name="mojibake",
    title="Characters were decoded wrongly",
    severity=Severity.NOTE,
    why="UTF-8 was read as Windows-1252 and saved again. Signs that carry meaning, such as a tick and a cross, cannot be told apart "
    "any more, and commands with "
    "dashes or quotes among them do not run. Source: WHATWG Encoding Standard (UTF-8, windows-1252).",
    bad="# ðŸ”§ Maintenance\n\nThe cafÃ© is open.\n",
    good="# 🔧 Maintenance\n\nThe café is open.\n",
    check=_check,
)
