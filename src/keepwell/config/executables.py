"""What a person accepts and what would run: the values, and the comparison of the two."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256

from keepwell.kernel.problems import Problem
from keepwell.kernel.quoting import quoted


@dataclass(frozen=True, slots=True)
class Executable:
    """A text that would run: whose it is, the exact text, the resolved target it acts on, and the host and user it runs as.

    All of it will stand in ``accepted.yaml``: hand the target in without credentials.
    """

    name: str
    text: str
    target: str
    host: str
    user: str

    @property
    def digest(self) -> str:
        """SHA-256, as 64 hexadecimal digits, of a JSON list of all of it, which no other list is written as."""
        parts = ["keepwell-acceptance-1", self.name, self.target, self.host, self.user, self.text]
        return sha256(json.dumps(parts).encode("ascii")).hexdigest()


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What was accepted, by whom and when. Raises ValueError for a naive instant."""

    executable: Executable
    by: str
    at: datetime

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ValueError("an acceptance needs an instant with a zone")

    @property
    def name(self) -> str:
        """Whose text it is."""
        return self.executable.name

    @property
    def digest(self) -> str:
        """The digest that was accepted."""
        return self.executable.digest


@dataclass(frozen=True, slots=True)
class Acceptances:
    """Everything that is accepted in one directory. ``warnings`` are problems that do not make it invalid.

    ``fingerprint`` is the digest of the file's bytes as they were read, or None where there was no file.
    """

    by_name: Mapping[str, Acceptance] = field(default_factory=dict)
    warnings: tuple[Problem, ...] = ()
    fingerprint: str | None = None

    def accepts(self, executable: Executable) -> Acceptance | None:
        """The acceptance of exactly this, or None."""
        acceptance = self.by_name.get(executable.name)
        return acceptance if acceptance is not None and acceptance.digest == executable.digest else None

    def why_not(self, executable: Executable) -> str:
        """Why it may not run: one sentence, empty where it is accepted. No text that would run is part of it."""
        acceptance = self.by_name.get(executable.name)
        if acceptance is None:
            return "nobody accepted it yet"
        before = acceptance.executable
        changes = [
            f"the {what} was {quoted(old) if old else 'none'} and is {quoted(new) if new else 'none'}"
            for what, old, new in (
                ("target", before.target, executable.target),
                ("host", before.host, executable.host),
                ("user", before.user, executable.user),
            )
            if old != new
        ]
        if before.text != executable.text:
            changes.insert(0, f"its text changed{_first_difference(before.text, executable.text)}")
        if not changes:
            return ""
        return f"{acceptance.by} accepted it on {acceptance.at.astimezone(UTC):%Y-%m-%d}; since then {' and '.join(changes)}"

    def including(self, added: Iterable[Acceptance]) -> "Acceptances":
        """These and others; a later one takes the place of an earlier one of the same name."""
        return Acceptances({**self.by_name, **{one.name: one for one in added}}, self.warnings, self.fingerprint)


def _first_difference(before: str, after: str) -> str:
    old, new = before.split("\n"), after.split("\n")
    if len(old) == len(new) == 1:
        return ""
    number = next(
        (number for number, (one, other) in enumerate(zip(old, new, strict=False), 1) if one != other), min(len(old), len(new)) + 1
    )
    return f" in line {number}"
