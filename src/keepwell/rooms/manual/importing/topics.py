"""What a text is about: its vocabulary (topic_words.py) as words of capabilities.py. Pure."""

import re
from functools import lru_cache

from .capabilities import CAPABILITIES
from .model import View
from .topic_words import FRAMES, WORDS

_LONGEST = 600
_Table = tuple[tuple[re.Pattern[str], str], ...]


def _table(text: str) -> _Table:
    rules = (line.split(None, 1) for line in text.strip().splitlines())
    table = tuple((re.compile(pattern), capability) for capability, pattern in rules)
    unknown = {capability for _, capability in table} - CAPABILITIES
    if unknown:  # a slip of the pen is found when the module is loaded, not in a report
        raise ValueError(f"not capabilities: {sorted(unknown)}")
    return table


_WORDS = _table(WORDS)
_FRAMES = _table(FRAMES)
_LEADING = frozenset(
    ("metric", "rule", "objective", "logs.analyse", "contacts", "docs", "incident.review", "incident.policy", "checklist")
) | {"report", "dr.plan", "schedule"}
"""Frames that say more than the words below them."""


def capabilities_of(words: str, section: str = "") -> tuple[str, ...]:
    """One or two words for what a text is about, the better first; nothing where neither it nor its headings tell.

    ``section`` are the titles around it, outermost first, with `` > `` between them; the innermost counts most.
    """
    own = _said(_WORDS, words.lower()[:_LONGEST])
    titles = [title[:_LONGEST] for title in section.lower().split(" > ")[::-1]] if section else []
    frame = next((found[0] for title in titles if (found := _said(_FRAMES, title))), "")
    around = next((found[0] for title in titles if (found := _said(_WORDS, title))), "")
    first = [frame] if frame in _LEADING else []
    ordered = [*first, *own[:1], frame, *own[1:], around]
    return tuple(dict.fromkeys(word for word in ordered if word))[:2]


def about(view: View, *first: str, fallback: str = "runbook") -> tuple[str, ...]:
    """What a view's item is about: the words that are certain first, then what its text and its headings say."""
    said = (*first, *capabilities_of(view.item.text, " > ".join(view.item.section)))
    return tuple(dict.fromkeys(said))[:2] or (fallback,)


@lru_cache(maxsize=4096)
def _said(table: _Table, text: str) -> tuple[str, ...]:
    """The first two different capabilities of a table whose patterns are in the text."""
    found: list[str] = []
    for pattern, capability in table:
        if capability not in found and pattern.search(text):
            found.append(capability)
            if len(found) == 2:
                break
    return tuple(found)
