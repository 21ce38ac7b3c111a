"""A fence of shell gets the fate that most of its commands got. Pure."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from keepwell.rooms.manual.reading.model import Kind

from .model import Disposition, Fate, Outcome

_COUNTED = (Kind.COMMAND, Kind.STATEMENT, Kind.CRON)
# What prepares, talks or steers is in every script and says nothing of what it is for.
_AROUND = frozenset(
    (
        "echo",
        "printf",
        "sleep",
        "cd",
        "set",
        "source",
        "export",
        "local",
        "exit",
        "return",
        "mkdir",
        "[",
        "[[",
        "((",
        "test",
        "true",
        "read",
    )
)
_SETTLED = (Fate.TEMPLATE, Fate.EXAMPLE, Fate.CHECKLIST, Fate.RULE)


def settle_fences(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The outcomes with the fates of fences of shell settled by those of their content; fences of anything else stay."""
    counted = [outcome for outcome in outcomes if outcome.item.kind in _COUNTED]
    lines = [outcome.item.line for outcome in counted]
    settled = []
    for outcome in outcomes:
        item, found = outcome.item, outcome.found
        if item.kind is Kind.FENCE and item.language in ("shell", "console") and found.fate not in _SETTLED:
            inside = counted[bisect_left(lines, item.line) : bisect_right(lines, item.end_line)]
            fate = majority([inner.found.fate for inner in inside if _tells(inner.item.text)], item.text.lstrip().startswith("#!"))
            if fate is not None and fate is not found.fate:
                disposition = Disposition.HUMAN if fate is Fate.CHECKLIST else Disposition.CARRIED
                outcome = replace(outcome, found=replace(found, fate=fate, disposition=disposition))
        settled.append(outcome)
    return settled


def majority(fates: Sequence[Fate], script: bool = False) -> Fate | None:
    """What more than half of the content is - of a whole script three quarters -, else a procedure; None where there is nothing."""
    counted = Counter(fate for fate in fates if fate not in (Fate.NARRATIVE, Fate.UNRECOGNISED))
    if not counted:
        return None
    fate, number = counted.most_common(1)[0]
    enough = number * 4 >= counted.total() * 3 if script else number * 2 > counted.total()
    return fate if enough else Fate.STEP


def _tells(text: str) -> bool:
    return (text.split(None, 1) or [""])[0] not in _AROUND
