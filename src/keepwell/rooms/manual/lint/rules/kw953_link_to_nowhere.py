"""KW953: links inside the manual go to headings that do not exist."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual

_LINK = re.compile(r"\]\(#([^)\s]+)\)")
_NAMED = re.compile(r"<a\s+(?:[^>]*\s)?(?:id|name)=[\"']([^\"']+)", re.IGNORECASE)
_OWN = re.compile(r"\{#([\w-]+)\}")


def _check(manual: Manual) -> Iterator[Finding]:
    known = _slugs(manual)
    fenced = {line for fence in manual.fences for line in range(fence.line, fence.end_line + 1)}
    broken: list[tuple[int, str]] = []
    for number, text in enumerate(manual.lines, 1):
        if "](#" in text and number not in fenced:
            broken += [(number, slug) for slug in _LINK.findall(re.sub(r"`[^`]*`", "", text)) if slug.lower().replace("_", "") not in known]
    if broken:
        line, slug = broken[0]
        near = next((name for name in sorted(known) if slug.strip("-") and slug.strip("-") in name), "")
        others = f", nor have {len(broken) - 1} others" if len(broken) > 1 else ""
        hint = f"; the nearest is #{near}" if near else ""
        yield Finding(
            line,
            f"#{slug} has no heading{others}{hint}"[:290],
            broken[-1][0],
            manual.line_text(line).find(f"#{slug}") + 1,
            f"link to #{near}" if near and len(broken) == 1 else "link to the headings as they are named now",
            len(slug) + 1,
        )


def _slugs(manual: Manual) -> frozenset[str]:
    """The names of all headings as GitHub makes them: small letters, no punctuation, a hyphen for each blank, a number for repetitions."""
    found: set[str] = set()
    counts: dict[str, int] = {}
    for item in manual.headings:
        text = _OWN.sub("", item.text)
        slug = re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")
        count = counts.get(slug, 0)
        counts[slug] = count + 1
        found.add((f"{slug}-{count}" if count else slug).replace("_", ""))
    for line in manual.lines:
        found.update(name.lower().replace("_", "") for name in (*_NAMED.findall(line), *_OWN.findall(line)))
    return frozenset(found)


RULE = Rule(
    id="KW953",
    name="link-to-nowhere",
    title="A link goes to a heading that does not exist",
    severity=Severity.WARNING,
    why="The table of contents is how somebody in a hurry finds the emergency procedure. GitHub names a heading by its text in small "
    "letters without "
    "punctuation, a hyphen for each blank; an emoji before the text leaves a hyphen in front. Source: GitHub Docs, Basic writing and "
    "formatting "
    "syntax (section links).",
    bad="# Service\n\n- [Restore](#restore)\n\n## 💾 Restore\n",
    good="# Service\n\n- [Restore](#restore)\n\n## Restore\n",
    check=_check,
)
