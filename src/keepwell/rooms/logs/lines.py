"""Regular expressions over lines, in time linear in the line.

Matched by the engine that pydantic brings along, Rust's ``regex`` (https://docs.rs/regex/latest/regex/#syntax): no look-around, no
backreferences. Polars has the same, so what is counted live and what is asked later mean the same.
"""

from dataclasses import dataclass, field

from pydantic_core import SchemaError, SchemaValidator, core_schema


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression and its text."""

    text: str
    _matcher: SchemaValidator = field(repr=False, compare=False)

    def found_in(self, line: str) -> bool:
        """Whether it is found anywhere in the line."""
        return self._matcher.isinstance_python(line)


def pattern(text: str) -> Pattern:
    """The pattern of that text. Raises ValueError, with the engine's own reason, where it is none."""
    try:
        return Pattern(text, SchemaValidator(core_schema.str_schema(pattern=text, regex_engine="rust-regex")))
    except SchemaError as error:
        reason = str(error).strip().rsplit("\n", 1)[-1].strip().removeprefix("error: ")
        raise ValueError(f"not a regular expression: {reason}") from None
