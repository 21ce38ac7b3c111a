"""Running totals of a target, as a rate since the check's earlier look."""

from keepwell.rooms.checks.model import Earlier


def since(name: str, total: float, earlier: Earlier | None) -> tuple[float, float] | None:
    """How much a running total grew since the earlier look, and in how many seconds.

    None where there was no earlier look, or the total became smaller: whoever counts has started anew.
    """
    before = earlier.counters.get(name) if earlier is not None else None
    if earlier is None or before is None or earlier.seconds <= 0 or total < before:
        return None
    return total - before, earlier.seconds
