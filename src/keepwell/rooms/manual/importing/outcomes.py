"""What each item is: the first recogniser that knows it, else what its kind says. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from keepwell.rooms.manual.reading.model import Kind

from .guard import guarded
from .model import Disposition, Fate, Found, Recogniser, View, Wanting
from .placeholders import missing_in

_RUNS = (Kind.COMMAND, Kind.CRON, Kind.STATEMENT)
_TALKS = frozenset(("echo", "printf"))
# Programs that hand text on to the next one, or are only the wrapping of what is asked: others in the pipeline say more.
_LAST = frozenset(
    ("echo", "printf", "cat", "true", "date", "tr", "cut", "head", "tail", "sort", "uniq", "wc", "bc", "xargs", "tee", "sleep")
)


class Recognisers:
    """The recognisers, by the kind and the program that they are asked for."""

    def __init__(self, recognisers: Sequence[Recogniser]) -> None:
        self._by_program: dict[tuple[Kind, str], list[Recogniser]] = defaultdict(list)
        self._by_kind: dict[Kind, list[Recogniser]] = defaultdict(list)
        for recogniser in recognisers:
            for kind in recogniser.kinds:
                if not recogniser.programs:
                    self._by_kind[kind].append(recogniser)
                for program in recogniser.programs:
                    self._by_program[kind, program].append(recogniser)

    def find(self, view: View) -> Found:
        """What the item is. Always answers."""
        for recogniser in self._asked(view):
            found = recogniser.read(view)
            if found is not None:
                return _sound(view, found)
        return _sound(view, _fallback(view))

    def _asked(self, view: View) -> Iterable[Recogniser]:
        programs = dict.fromkeys(command.name for command in view.pipeline)
        telling = [name for name in programs if name not in _LAST] + [name for name in programs if name in _LAST]
        # A recogniser without programs that is asked early (order below 50) may overrule what the programs say.
        general = self._by_kind[view.item.kind]
        return (
            *(recogniser for recogniser in general if recogniser.order < 50),
            *(recogniser for name in telling for recogniser in self._by_program[view.item.kind, name]),
            *(recogniser for recogniser in general if recogniser.order >= 50),
        )


def _fallback(view: View) -> Found:
    kind = view.item.kind
    if kind in _RUNS or kind is Kind.ASSIGNMENT:
        return Found(Fate.STEP, ("runbook",))
    if kind is Kind.CHECKBOX:
        return Found(Fate.CHECKLIST, ("checklist",), disposition=Disposition.HUMAN)
    if kind is Kind.FENCE:
        return Found(Fate.STEP if view.fence and view.fence.script else Fate.EXAMPLE)
    if kind is Kind.OUTPUT:
        return Found(Fate.EXAMPLE)
    return Found(Fate.NARRATIVE)


def _sound(view: View, found: Found) -> Found:
    """What holds whatever a recogniser says: nothing that runs is narrative, a checklist is a person's, and what has blanks waits."""
    found = guarded(found)
    if found.fate is Fate.NARRATIVE and view.item.kind in _RUNS:
        found = replace(found, fate=Fate.STEP)
    if found.fate is Fate.CHECKLIST and found.disposition is Disposition.CARRIED:
        found = replace(found, disposition=Disposition.HUMAN)
    if view.item.kind in (*_RUNS, Kind.ASSIGNMENT) and not _only_talks(view):
        waits = {missing.name: missing for missing in (*found.missing, *missing_in(view))}
        found = replace(found, missing=tuple(waits.values()))
    needs_value = any(missing.wanting is not Wanting.ARGUMENT for missing in found.missing)
    if found.missing and found.disposition is Disposition.CARRIED and (needs_value or found.fate is not Fate.STEP):
        found = replace(found, disposition=Disposition.MISSING)
    elif found.missing and found.disposition is Disposition.CARRIED:
        found = replace(found, disposition=Disposition.MISSING, reason=found.reason or "asked for when the step is run")
    return found


def _only_talks(view: View) -> bool:
    return bool(view.pipeline) and all(command.name in _TALKS for command in view.pipeline)
