"""What a response is expected to be, as a check's options hold it."""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import AfterValidator, ConfigDict, Field, PlainValidator, ValidationError, WithJsonSchema, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError, PydanticKnownError

from keepwell.config.options import Options
from keepwell.kernel.conditions import Scalar, check_expected, parse_path
from keepwell.rooms.checks.patterns import RegularExpression

from .names import TOKEN
from .xml import parse_xml_path

_CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx")


def _xml_path(text: str) -> str:
    parse_xml_path(text)
    return text


XmlPath = Annotated[str, AfterValidator(_xml_path)]


def _statuses(value: Any) -> tuple[int | str, ...]:
    listed = tuple(value) if isinstance(value, list | tuple) else (value,)
    for one in listed:
        if one not in _CLASSES and (not isinstance(one, int) or isinstance(one, bool) or not 100 <= one <= 599):
            raise PydanticCustomError("expected", "expected {expected}", {"expected": "a status such as 200, 2xx or [200, 204]"})
    return listed


_STATUS: dict[str, Any] = {"anyOf": [{"type": "integer", "minimum": 100, "maximum": 599}, {"enum": list(_CLASSES)}]}
Statuses = Annotated[
    tuple[int | str, ...],
    PlainValidator(_statuses),
    WithJsonSchema({"anyOf": [_STATUS, {"type": "array", "items": _STATUS, "minItems": 1}]}),
]


def _json_path(key: str) -> str:
    return key.removeprefix("json").removeprefix(".")


def _extra_key(key: str) -> str:
    if key.startswith(("json.", "json[")):
        parse_path(_json_path(key))
    elif key.startswith("xml."):
        parse_xml_path(key.removeprefix("xml."))
    elif not key.startswith("header.") or not TOKEN.fullmatch(key.removeprefix("header.")):
        raise PydanticKnownError("extra_forbidden")
    return key


def _value_problem(key: str, value: Scalar) -> str:
    """Why that cannot be expected under that key; empty where it can."""
    if key.startswith("header."):
        return "" if isinstance(value, str) else "expected the text that the header contains, in quotes where it is a number"
    if key.startswith("xml.") and not isinstance(value, str):
        return "expected the text that stands there, or a comparison, in quotes where it is a number"
    try:
        check_expected(value)
    except ValueError as error:
        return str(error)
    return ""


class Expect(Options):
    """What the response must be: the keys below, and any number of ``json.PATH``, ``xml.PATH`` and ``header.NAME``."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "patternProperties": {
                r"^json[.\[]": {"type": ["string", "number", "boolean", "null"]},
                r"^(header|xml)\.": {"type": "string"},
            },
            "additionalProperties": False,
        },
    )
    __pydantic_extra__: dict[Annotated[str, AfterValidator(_extra_key)], Scalar] = Field(init=False)

    status: Statuses | None = None
    """A status, a class such as ``2xx``, or a list of them. Without it: ``2xx``."""
    body: str | None = Field(default=None, min_length=1)
    """Text that the body contains."""
    body_not: str | None = Field(default=None, min_length=1)
    """Text that the body does not contain."""
    body_matches: RegularExpression | None = None
    """A regular expression that is found in the body (no look-around, no backreferences; ``(?m)`` for line by line)."""

    xml_root: str | None = Field(default=None, min_length=1)
    """Name of the root element of an XML body, without its namespace, for example ``Response`` of TwiML."""
    xml_has: tuple[XmlPath, ...] = ()
    """Elements or attributes that an XML body has, by their path below the root, for example ``[Gather/Say, "Gather@action"]``."""
    location: str | None = Field(default=None, min_length=1)
    """A redirect to this address is expected (absolute, or a path on the same server); it is not followed, and the status is ``3xx`` where
    none is given."""
    final_url: str | None = Field(default=None, min_length=1)
    """The address that answers at last, after the redirects (absolute, or a path on the same server)."""

    @model_validator(mode="after")
    def _expected_values(self) -> Self:
        problems = [
            InitErrorDetails(type="value_error", loc=(key,), input=value, ctx={"error": ValueError(problem)})
            for key, value in (self.__pydantic_extra__ or {}).items()
            if (problem := _value_problem(key, value))
        ]
        if self.location is not None and self.final_url is not None:
            raise ValueError("location stays at the redirect and final_url follows it: give one of them")
        if problems:
            raise ValidationError.from_exception_data("Expect", problems)
        return self

    @cached_property
    def json_values(self) -> Mapping[str, Scalar]:
        """What is expected at which JSON path."""
        return {_json_path(key): value for key, value in (self.__pydantic_extra__ or {}).items() if key.startswith("json")}

    @cached_property
    def headers(self) -> Mapping[str, str]:
        """The text that each header contains."""
        extra = self.__pydantic_extra__ or {}
        return {key.removeprefix("header."): str(value) for key, value in extra.items() if key.startswith("header.")}

    @cached_property
    def xml_values(self) -> Mapping[str, str]:
        """The text that is expected at which path below the root element."""
        extra = self.__pydantic_extra__ or {}
        return {key.removeprefix("xml."): str(value) for key, value in extra.items() if key.startswith("xml.")}

    @property
    def statuses(self) -> tuple[int | str, ...]:
        """Each status, and class of them, that is as expected."""
        return self.status or (("3xx",) if self.location is not None else ("2xx",))

    @property
    def asks_xml(self) -> bool:
        """Whether the body must be XML."""
        return bool(self.xml_root or self.xml_has or self.xml_values)

    @property
    def asks_body(self) -> bool:
        """Whether the body matters at all."""
        return bool(self.json_values or self.body or self.body_not or self.body_matches or self.asks_xml)
