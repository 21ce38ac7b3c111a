"""A template as frozen values (Go's package text/template/parse), and what can go wrong with one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


class TemplateError(ValueError):
    """The text is no template, or it cannot be expanded. ``at`` is the character (from 0) where."""

    def __init__(self, message: str, at: int = 0) -> None:
        super().__init__(message)
        self.at = at


@dataclass(frozen=True, slots=True)
class Literal:
    """A text, number, truth value, or nil."""

    value: str | int | float | bool | None
    at: int


@dataclass(frozen=True, slots=True)
class Dot:
    """What the template is about at that place, and the names of fields that are followed from there."""

    names: tuple[str, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable with its ``$``, and fields."""

    name: str
    names: tuple[str, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Function:
    """The name of a function."""

    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Bracketed:
    """A pipeline in brackets, and fields of its value."""

    pipeline: "Pipeline"
    names: tuple[str, ...]
    at: int


Operand = Literal | Dot | Variable | Function | Bracketed


@dataclass(frozen=True, slots=True)
class Command:
    """Operands one after the other: the first is called with the others, where it can be."""

    operands: tuple[Operand, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Commands, each handing its value to the next as last argument. The value is given to ``variables``: new ones where ``declares``."""

    commands: tuple[Command, ...]
    variables: tuple[str, ...]
    declares: bool
    at: int


@dataclass(frozen=True, slots=True)
class Written:
    """Text as it stands."""

    text: str


@dataclass(frozen=True, slots=True)
class Action:
    """The value of a pipeline, written (not where it only sets variables)."""

    pipeline: Pipeline


@dataclass(frozen=True, slots=True)
class Branch:
    """``if``, ``with`` or ``range``: ``word`` says which."""

    word: str
    pipeline: Pipeline
    body: "Body"
    otherwise: "Body"


@dataclass(frozen=True, slots=True)
class Jump:
    """``break`` or ``continue``."""

    word: str


@dataclass(frozen=True, slots=True)
class Included:
    """Another template of this text, about a pipeline's value."""

    name: str
    pipeline: Pipeline | None
    at: int


Node = Written | Action | Branch | Jump | Included
Body = Sequence[Node]


@dataclass(frozen=True, slots=True)
class Template:
    """A text that was read: what it writes, and the templates that it defines."""

    body: Body
    defined: Mapping[str, Body]


@dataclass(frozen=True, slots=True)
class Found:
    """One series of a query's answer, as templates see it: ``.Labels`` and ``.Value``."""

    labels: Mapping[str, str]
    value: float
