"""Which work was done in its time, which failed, and which was missed."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from keepwell.rooms.reports.model import Cell, Part, State, Table
from keepwell.rooms.reports.sources import Done
from keepwell.rooms.reports.words import count, instant

KEY, TITLE = "tasks", "Tasks"
_COLUMNS = ("task", "done", "failed", "missed", "refused", "waits", "the newest")
BAD = ("failed", "missed", "refused")
"""States that are told of one by one, the newest of them."""
TOLD = 10
"""How many of them."""
_MOST = 100


def part(done: Sequence[Done]) -> Part:
    """The part: those with faults first."""
    if not done:
        return Part(KEY, TITLE, "no task was due", "ok", ("No task was due in this time.",))
    by_task: dict[str, list[Done]] = defaultdict(list)
    for one in done:
        by_task[one.task].append(one)
    ordered = sorted(by_task.items(), key=lambda pair: (-_faults(pair[1]), pair[0]))
    whole = _counted(done)
    headline = f"{count(whole['done'], 'task')} done"
    headline += "".join(f", {whole[word]} {word}" for word in BAD if whole[word])
    table = Table(_COLUMNS, tuple(_row(name, runs) for name, runs in ordered[:_MOST]), max(0, len(ordered) - _MOST))
    bad = [one for one in done if one.state in BAD]
    said = tuple(f"{one.task} of {instant(one.due_at)} {one.state}: {one.sentence}" for one in bad[-TOLD:])
    state: State = "warn" if bad else "ok"
    return Part(KEY, TITLE, headline, state, said, (table,))


def _counted(done: Sequence[Done]) -> Counter[str]:
    counted: Counter[str] = Counter()
    for one in done:
        counted[one.state] += one.count
    return counted


def _faults(done: Sequence[Done]) -> int:
    return sum(one.count for one in done if one.state in BAD)


def _row(name: str, done: Sequence[Done]) -> tuple[Cell, ...]:
    counted = _counted(done)
    newest = max(done, key=lambda one: one.due_at)
    bad = (Cell(f"{counted[word]}", counted[word], "warn" if counted[word] else "") for word in BAD)
    waits = counted["waiting"] + counted["running"]
    said = f"{newest.state} {instant(newest.due_at)}"
    return (Cell(name), Cell(f"{counted['done']}", counted["done"]), *bad, Cell(f"{waits}", waits), Cell(said, newest.due_at.isoformat()))
