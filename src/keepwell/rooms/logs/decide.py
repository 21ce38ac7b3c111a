"""Which rotated file gets which name, which are compressed and which go. Pure: names in, names out.

Rotated files are numbered as logrotate(8) numbers them: ``app.log.1`` is the newest, ``app.log.2.gz`` an older one that was compressed. The
state is in the names alone, so a rotation that was interrupted anywhere goes on from what it finds.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

PACKED = ".gz"
PART = ".part"
"""The end of the name of a compressed file that is not complete. Such a file is nobody's, and made anew."""

_NUMBER = re.compile(r"\.([1-9][0-9]{0,8})(\.gz)?")
_DATED = re.compile(r"[-.][0-9]{4}-?[0-9]{2}-?[0-9]{2}(?:[-_T.]?[0-9]{2,10})?(?:\.gz|\.zst|\.xz|\.bz2)?")


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    """One rotated file: its number, and its name."""

    number: int
    name: str

    @property
    def is_packed(self) -> bool:
        """Whether it is compressed."""
        return self.name.endswith(PACKED)


def slots_of(name: str, names: Iterable[str]) -> list[Slot]:
    """The rotated files of ``name`` among the names of a folder, the newest (number 1) first."""
    found = ((_NUMBER.fullmatch(other, len(name)), other) for other in names if other.startswith(name))
    return sorted(Slot(int(match[1]), other) for match, other in found if match)


def is_rotated(name: str, names: frozenset[str]) -> bool:
    """Whether a name is that of a rotated file of another one among ``names``, numbered or dated."""
    if name.endswith(PART):
        return True
    stems = (name[: match.start()] for match in (*_NUMBER.finditer(name), *_DATED.finditer(name)) if match.end() == len(name))
    return any(stem in names for stem in stems)


def dated_of(name: str, names: Iterable[str]) -> list[str]:
    """Files that another program rotated by date, the newest first: ``app.log-20260105``."""
    found = [other for other in names if other.startswith(name) and _DATED.fullmatch(other, len(name))]
    return sorted(found, reverse=True)


def room_for_one(slots: Sequence[Slot], name: str) -> list[tuple[str, str]]:
    """The renames, in their order, that free number 1: every file up to the first free number moves up by one, the highest first.

    Interrupted between two renames, there is a free number further down, and the same question has fewer renames as its answer."""
    taken: dict[int, list[Slot]] = {}
    for slot in slots:
        taken.setdefault(slot.number, []).append(slot)
    free = next(number for number in range(1, len(taken) + 2) if number not in taken)
    return [
        (slot.name, f"{name}.{number + 1}{PACKED if slot.is_packed else ''}") for number in range(free - 1, 0, -1) for slot in taken[number]
    ]


def to_pack(slots: Sequence[Slot], after: int | None) -> list[Slot]:
    """Those to compress: all but the ``after`` newest; none where ``after`` is None."""
    return [] if after is None else [slot for slot in slots if not slot.is_packed and slot.number > after]


def to_drop(slots: Sequence[Slot], keep: int | None) -> list[Slot]:
    """Those that are too many, the oldest first."""
    return [] if keep is None else [slot for slot in reversed(slots) if slot.number > keep]
