"""Regular expressions that a check applies to foreign text, in time linear in that text.

Python's ``re`` backtracks: one unlucky pattern over a long answer would stop every other check. These are matched by the engine that
pydantic brings along, Rust's ``regex`` (https://docs.rs/regex/latest/regex/#syntax), which never backtracks. It has no look-around and no
backreferences; a pattern with them, or one that compiles to more than 10 MB, is refused when the configuration is read.
"""

from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema
from pydantic_core import SchemaError, SchemaValidator, core_schema


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression and its text."""

    text: str
    _matcher: SchemaValidator = field(repr=False, compare=False)

    def found_in(self, text: str) -> bool:
        """Whether it matches anywhere in the text. ``^`` and ``$`` are the ends of the text unless the pattern says ``(?m)``."""
        return self._matcher.isinstance_python(text)


def parse_pattern(text: str) -> Pattern:
    """The pattern of that text. Raises ValueError, with the engine's own reason, where it is none."""
    try:
        return Pattern(text, SchemaValidator(core_schema.str_schema(pattern=text, regex_engine="rust-regex")))
    except SchemaError as error:
        reason = str(error).strip().rsplit("\n", 1)[-1].strip().removeprefix("error: ")
        raise ValueError(f"not a regular expression: {reason}") from None


def _from_text(value: Any) -> Pattern:
    if isinstance(value, Pattern):
        return value
    if not isinstance(value, str):
        raise ValueError("expected a regular expression as text")
    return parse_pattern(value)


RegularExpression = Annotated[
    Pattern,
    PlainValidator(_from_text, json_schema_input_type=str),
    WithJsonSchema(
        {"type": "string", "description": "a regular expression, found anywhere in the text", "examples": ["^OK", "errors: 0\\b"]}
    ),
]
