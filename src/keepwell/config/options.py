"""The base of every options class, and the types of its fields.

An options class is a frozen pydantic model whose documented fields give validation, the JSON Schema, the sample and the reference page.
YAML's text becomes values here: ``5m`` a timedelta, ``10MB`` bytes, ``80%`` a ratio, ``> 10%`` a Comparison.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, InstanceOf, WithJsonSchema

from keepwell.kernel.comparisons import Comparison, parse_comparison
from keepwell.kernel.durations import parse_duration
from keepwell.kernel.percentages import parse_percentage
from keepwell.kernel.sizes import parse_size


class Options(BaseModel):
    """A frozen section or entry of the configuration: unknown keys and wrong types are refused."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", use_attribute_docstrings=True)


@dataclass(frozen=True, slots=True)
class Reference:
    """Marks a field whose text names an entry of another section: a dangling one is reported with the nearest name that exists."""

    section: str


@dataclass(frozen=True, slots=True)
class Expands:
    """Marks a text field in which ``${VAR}`` is replaced from the environment (``$${`` gives a literal ``${``)."""


def _from_text(parse: Callable[[str], Any]) -> BeforeValidator:
    def convert(value: Any) -> Any:
        if isinstance(value, str):
            return parse(value)
        if isinstance(value, bool | int | float):
            raise ValueError(f"{value} has no unit")
        return value

    return BeforeValidator(convert)


def _text_schema(description: str, *examples: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "description": description, "examples": list(examples)})


Duration = Annotated[timedelta, _from_text(parse_duration), _text_schema("A duration with units", "30s", "5m", "1h30m")]
Size = Annotated[int, _from_text(parse_size), _text_schema("A size with its unit; MB is 10^6, MiB 2^20 bytes", "200MB", "4GiB")]
Percentage = Annotated[float, _from_text(parse_percentage), _text_schema("A percentage", "80%", "99.9%")]
Limit = Annotated[
    InstanceOf[Comparison],
    BeforeValidator(lambda value: parse_comparison(value) if isinstance(value, str) else value),
    _text_schema("A comparison with a quantity", "> 10%", "< 30d", "> 100ms", ">= 5"),
]
ExpandedText = Annotated[str, Expands()]
