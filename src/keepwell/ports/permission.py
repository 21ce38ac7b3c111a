"""Permission: what destroys or changes something asks for it first, and the policy (section ``policy``) says who may give it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody wants to do. ``subject`` names this one wish (``runs/17/restore``): one decision each. ``what`` is a sentence for who
    decides, ``by`` who or what started it. ``digest`` is the SHA-256 of exactly what would be done: a permission counts for that only.
    ``confirmed``: whoever started it said that what it destroys is meant."""

    subject: str
    what: str
    by: str
    digest: str
    confirmed: bool = False


class Decision(Enum):
    """What became of the wish. ``ASKED``: a person has to decide."""

    GRANTED = "granted"
    ASKED = "asked"
    FORBIDDEN = "forbidden"


@dataclass(frozen=True, slots=True)
class Ruling:
    """The decision, why in one sentence, and who decided (empty: the policy, or nobody yet)."""

    decision: Decision
    sentence: str
    by: str = ""


class Permissions(Protocol):
    """Who gives permissions. Raises StorageError."""

    async def ask(self, deed: Deed, /) -> Ruling:
        """What holds for the wish now; the first time it is stored, and people see that it waits. Asking again asks nobody twice."""
        ...

    def on_decided(self, told: Callable[[str], None], /) -> None:
        """Calls ``told`` with the subject of each wish that a person decided from now on."""
        ...
