"""Lists what import missed of real manuals, grouped by what to mend: for those who improve recognisers."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable

from bench import import_figures as figures
from keepwell.rooms.manual.importing.model import Outcome

_WIDTH = 90


def _first_line(outcome: Outcome | None) -> str:
    return "(no such item)" if outcome is None else " ".join(outcome.item.text.split())[:_WIDTH]


def _said(outcomes: Iterable[Outcome]) -> str:
    """What import says instead."""
    words = {f"{outcome.found.fate.value}: {' '.join(outcome.found.capabilities) or 'no capability'}" for outcome in outcomes}
    return "; ".join(sorted(words)) or "no operation"


def _print_groups(groups: dict[str, list[str]]) -> None:
    for title, lines in sorted(groups.items(), key=lambda group: (-len(group[1]), group[0])):
        print(f"\n{title}")
        for line in lines:
            print(f"    {line}")


def fates(five: figures.Manuals, others: figures.Manuals) -> None:
    """Labelled items with another fate, by what was wanted and what was said."""
    groups: dict[str, list[str]] = defaultdict(list)
    for label in (*figures.labels(five), *figures.labels(others)):
        if not label.is_right:
            said = label.outcome.found.fate.value if label.outcome else "nothing"
            title = f"{' or '.join(label.fates)}, said to be {said}"
            groups[title].append(f"{label.manual}:{label.line:<5} {label.kind:<11} {_first_line(label.outcome)}")
    _print_groups(groups)


def catalogue(five: figures.Manuals, _: figures.Manuals) -> None:
    """Rows of the catalogue whose exact word is not said, by that word; those of which not even the family is said are marked."""
    rows = figures.procedures(five)
    totals = Counter(row.capability for row in rows)
    groups: dict[str, list[str]] = defaultdict(list)
    for row in (row for row in rows if not row.is_exact):
        here = five[row.manual].at(row.line)
        mark = "family" if row.shares_family else "NOTHING"
        groups[row.capability].append(f"{mark:<8} {row.id:<7} {row.manual}:{row.line:<5} {_said(here)}")
        groups[row.capability].append(f"         {'':<7} {_first_line(here[0] if here else None)}")
    _print_groups({f"{word}: {len(lines) // 2} of {totals[word]}": lines for word, lines in groups.items()})


def typed(five: figures.Manuals, others: figures.Manuals) -> None:
    """Commands that stay shell, by program."""
    every = [*figures.commands(five), *figures.commands(others)]
    totals = Counter(command.program for command in every)
    groups: dict[str, list[str]] = defaultdict(list)
    for command in (command for command in every if not command.is_typed):
        item = command.outcome.item
        groups[command.program].append(
            f"{command.manual}:{item.line:<5} {command.outcome.found.fate.value:<13} {_first_line(command.outcome)}"
        )
    _print_groups({f"{program}: {len(lines)} of {totals[program]}": lines for program, lines in groups.items()})


def dangers(five: figures.Manuals, _: figures.Manuals) -> None:
    """The most dangerous places that are neither corrected nor refused."""
    for place, done in figures.dangers(five):
        if not done:
            print(f"{place.manual}:{place.line:<5} {' '.join(place.rules):<14} {place.what}")
            for outcome in five[place.manual].at(place.line):
                rules = " ".join(amendment.rule for amendment in outcome.amendments) or "no amendment"
                print(f"    {outcome.found.disposition.value} ({rules})  {_first_line(outcome)}")


MISSES: dict[str, Callable[[figures.Manuals, figures.Manuals], None]] = {
    "fates": fates,
    "catalogue": catalogue,
    "typed": typed,
    "dangers": dangers,
}
