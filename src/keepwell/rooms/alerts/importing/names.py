"""Names as keepwell.yaml has them, and those of secrets."""

import re
from collections.abc import Iterable

_LONGEST = 80


class Names:
    """Gives each name a new one that is valid in keepwell.yaml, and no two the same."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def of(self, *parts: str) -> str:
        """A name made of these: ``Team X mails`` is ``team-x-mails``."""
        words = re.sub(r"[^a-z0-9._-]+", "-", "-".join(_once(parts)).lower()).strip("-._")[:_LONGEST] or "unnamed"
        return self._free(words, "-")

    def secret(self, *parts: str) -> str:
        """The name of an environment variable made of these: ``TEAM_X_MAILS_URL``."""
        words = re.sub(r"[^A-Z0-9]+", "_", "_".join(_once(parts)).upper()).strip("_")[:_LONGEST] or "SECRET"
        return self._free(words if not words[0].isdigit() else f"S_{words}", "_")

    def _free(self, wanted: str, sign: str) -> str:
        name = next(one for one in self._numbered(wanted, sign) if one not in self._taken)
        self._taken.add(name)
        return name

    @staticmethod
    def _numbered(wanted: str, sign: str) -> Iterable[str]:
        yield wanted
        yield from (f"{wanted}{sign}{number}" for number in range(2, 1_000_000))


def _once(parts: Iterable[str]) -> list[str]:
    """The parts without those that one before them says already."""
    said: list[str] = []
    for part in parts:
        if not any(part.lower() in one.lower() for one in said):
            said.append(part)
    return said
