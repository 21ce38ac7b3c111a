"""Lists of figures to watch: "Response time: target < 2000ms", "Error rates by endpoint"."""

import re

from keepwell.rooms.manual.importing.limit_drafts import limit_draft
from keepwell.rooms.manual.importing.limits_in_words import limits_in
from keepwell.rooms.manual.importing.model import Fate, Found, Recogniser, View
from keepwell.rooms.manual.importing.surroundings import surroundings
from keepwell.rooms.manual.importing.topics import about, capabilities_of
from keepwell.rooms.manual.importing.unlimited import unlimited
from keepwell.rooms.manual.reading.model import Kind

_TITLE = re.compile(
    r"\b(?:metrics?|figures|kpis?|indicators|signals|measurements)\b.{0,12}\b(?:to|for|being|are) (?:be )?(?:monitor|watch|track|observ)"
    r"|\b(?:key|golden|important) (?:metrics|figures|signals|performance indicators)\b|^(?:\d[\d.]* )?what (?:to|we) (?:monitor|watch)$"
)
_LONGEST = 400
_GOAL = re.compile(r"\b(?:goal|objective|slo|sla|rto|rpo)s?\b", re.IGNORECASE)


def read(view: View) -> Found | None:
    """An item of such a list, with its target or without; elsewhere, an item that says ``Target`` itself."""
    text = view.item.text[:_LONGEST]
    listed = any(_TITLE.search(title.lower()) for title in (*view.item.section, surroundings(view.manual).lead_in(view.item)[-80:]))
    says_target = re.search(r"\b(?:target|threshold|limit)\s*[:=]?\s*(?:[<>≤≥]|under|below|above|over|less|more)", text, re.IGNORECASE)
    if not (listed or says_target) or any(_GOAL.search(title) for title in view.item.section[-1:]):
        return None
    limits = limits_in(text.replace(":", " ", 1))  # what follows the label may be a part of the figure: "Response time: p95 < 2s"
    if limits:
        # A bound without the word is a promise that is to be kept; with it, a figure with its target.
        second = "metric" if says_target else "objective"
        return Found(Fate.RULE, about(view, "rule", second), drafts=tuple(limit_draft(limit.broken, "warning") for limit in limits))
    if text.endswith((":", "?")):
        return None
    figure = re.sub(r"\([^)]*\)", " ", text.partition(":")[0])
    found = unlimited(view, re.sub(r"^\s*(?:monitor|track|watch|observe|check|measure)\s+", "", figure, flags=re.IGNORECASE))
    said = tuple(dict.fromkeys(("metric", *capabilities_of(figure, " > ".join(view.item.section)))))[:2]
    return Found(Fate.RULE, said, disposition=found.disposition, drafts=found.drafts, missing=found.missing, reason=found.reason)


RECOGNISER = Recogniser(
    "figures to watch",
    (Kind.LIST_ITEM,),
    read,
    order=34,
    example="""\
## Key metrics to monitor

- **CPU usage**: target < 60%
- **Orders per minute**
""",
)
