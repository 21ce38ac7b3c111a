"""An expression as frozen values: what the parser read, with durations in milliseconds, and where each part stands in the text.

Every node knows its ``kind`` of value, its ``place`` (characters from the start of the text), and whether it is ``fixed``: worth the same
at every moment of a query, as a selector with ``@`` is.
"""

from dataclasses import dataclass
from typing import Literal

from keepwell.ports.samples import Matcher

Kind = Literal["scalar", "vector", "matrix", "string"]

At = int | Literal["start", "end"] | None
"""The ``@`` modifier: milliseconds since 1970, or an end of the query."""


@dataclass(frozen=True, slots=True)
class Number:
    """A literal number."""

    value: float
    place: int = 0
    kind: Kind = "scalar"
    fixed: bool = True


@dataclass(frozen=True, slots=True)
class Text:
    """A literal string."""

    value: str
    place: int = 0
    kind: Kind = "string"
    fixed: bool = True


@dataclass(frozen=True, slots=True)
class Selector:
    """Series by their labels. ``range`` is None for an instant vector, else how far back its windows reach."""

    matchers: tuple[Matcher, ...]
    range: int | None = None
    offset: int = 0
    at: At = None
    place: int = 0

    @property
    def kind(self) -> Kind:
        """An instant vector, or a range vector."""
        return "vector" if self.range is None else "matrix"

    @property
    def fixed(self) -> bool:
        """Whether ``@`` says when."""
        return self.at is not None


@dataclass(frozen=True, slots=True)
class Subquery:
    """An expression evaluated again and again: a range vector of its values. ``step`` is None where the text names none."""

    inner: "Expression"
    range: int
    step: int | None
    offset: int = 0
    at: At = None
    place: int = 0
    kind: Kind = "matrix"

    @property
    def fixed(self) -> bool:
        """Whether ``@`` says when."""
        return self.at is not None


@dataclass(frozen=True, slots=True)
class Negative:
    """A minus before an expression."""

    inner: "Expression"
    place: int
    kind: Kind
    fixed: bool


@dataclass(frozen=True, slots=True)
class Call:
    """A function and its arguments."""

    name: str
    arguments: tuple["Expression", ...]
    place: int
    kind: Kind
    fixed: bool


@dataclass(frozen=True, slots=True)
class Aggregate:
    """Many series made one per group. ``labels`` are those of ``by``, or with ``without`` those that are left out."""

    operator: str
    inner: "Expression"
    parameter: "Expression | None"
    labels: tuple[str, ...]
    without: bool
    place: int
    fixed: bool
    kind: Kind = "vector"


@dataclass(frozen=True, slots=True)
class Matching:
    """Which series of both sides of an operator belong together. ``many`` is the side of which several may meet one of the other;
    ``include`` are labels taken from that other side."""

    labels: tuple[str, ...] = ()
    on: bool = False
    many: Literal["left", "right", None] = None
    include: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Binary:
    """Two expressions and the operator between them. ``as_bool`` is the modifier by which a comparison gives 0 or 1."""

    operator: str
    left: "Expression"
    right: "Expression"
    matching: Matching
    as_bool: bool
    place: int
    kind: Kind
    fixed: bool


Expression = Number | Text | Selector | Subquery | Negative | Call | Aggregate | Binary
