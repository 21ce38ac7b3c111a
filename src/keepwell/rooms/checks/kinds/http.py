"""The ``http`` kind: a request, and what its response must be: status, headers, body, JSON values, and how long it may take.

A new connection is made for each look, so that every phase is measured. Bodies are read as UTF-8 (RFC 8259 section 8.1 for JSON).
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, PlainValidator, ValidationError, WithJsonSchema, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError, PydanticKnownError

from keepwell.config.options import ExpandedText, HttpUrl, Options, Reference, SecretReference, Size
from keepwell.config.targets import Target
from keepwell.kernel.comparisons import Unit, describe
from keepwell.kernel.conditions import Scalar, check_expected, json_value, parse_path
from keepwell.kernel.conditions import judge as judge_json
from keepwell.kernel.problems import AnswerError, AskError
from keepwell.kernel.redaction import redact_patterns
from keepwell.kernel.states import State
from keepwell.ports.http import Request, Response
from keepwell.rooms.checks.limits import SecondsLimit, Verdict, WarnsBeforeItFails, finite, judge, together
from keepwell.rooms.checks.model import Answer, Earlier, Kind, Observation, Question
from keepwell.rooms.checks.patterns import RegularExpression
from keepwell.rooms.checks.texts import Wanted, missed, show

_READING = ("GET", "HEAD", "OPTIONS")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110 section 5.6.2
_QUOTED_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,3})?")
_VALUE_NAME = re.compile(r"[a-z][a-z0-9_]*")
_CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx")
_MEASURED = ("dns_seconds", "connect_seconds", "tls_seconds", "first_byte_seconds", "duration_seconds", "status_code", "body_bytes")


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
    elif not key.startswith("header.") or not _TOKEN.fullmatch(key.removeprefix("header.")):
        raise PydanticKnownError("extra_forbidden")
    return key


def _value_problem(key: str, value: Scalar) -> str:
    """Why that cannot be expected under that key; empty where it can."""
    if key.startswith("header."):
        return "" if isinstance(value, str) else "expected the text that the header contains, in quotes where it is a number"
    try:
        check_expected(value)
    except ValueError as error:
        return str(error)
    return ""


class Expect(Options):
    """What the response must be: the keys below, and any number of ``json.PATH`` and ``header.NAME``."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "patternProperties": {r"^json[.\[]": {"type": ["string", "number", "boolean", "null"]}, r"^header\.": {"type": "string"}},
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

    @model_validator(mode="after")
    def _expected_values(self) -> Self:
        problems = [
            InitErrorDetails(type="value_error", loc=(key,), input=value, ctx={"error": ValueError(problem)})
            for key, value in (self.__pydantic_extra__ or {}).items()
            if (problem := _value_problem(key, value))
        ]
        if problems:
            raise ValidationError.from_exception_data("Expect", problems)
        return self

    @property
    def json_values(self) -> Mapping[str, Scalar]:
        """What is expected at which JSON path."""
        return {_json_path(key): value for key, value in (self.__pydantic_extra__ or {}).items() if key.startswith("json")}

    @property
    def headers(self) -> Mapping[str, str]:
        """The text that each header contains."""
        extra = self.__pydantic_extra__ or {}
        return {key.removeprefix("header."): str(value) for key, value in extra.items() if key.startswith("header.")}

    @property
    def asks_body(self) -> bool:
        """Whether the body matters at all."""
        return bool(self.json_values or self.body or self.body_not or self.body_matches)


class HttpOptions(WarnsBeforeItFails):
    """A request and its expected response. Exactly one of target and url."""

    target: Annotated[str, Reference("targets")] | None = None
    """A target; ``path`` is appended to its url."""
    url: HttpUrl | None = None
    """An address that begins with http:// or https://. ``${VAR}`` is replaced from the environment."""
    path: ExpandedText = ""
    """What is appended to the address, for example ``/health``. ``${VAR}`` is replaced from the environment."""
    method: Literal["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    """GET, HEAD and OPTIONS only read. A check with any other method may change something: it runs only when accepted."""
    headers: dict[str, ExpandedText] = Field(default_factory=dict)
    """Headers to send. ``${VAR}`` is replaced from the environment; secrets belong under ``secrets``."""
    secrets: dict[str, SecretReference] = Field(default_factory=dict)
    """Headers whose whole value is a secret, for example ``{Authorization: "secret:API_AUTHORIZATION"}``."""
    body: str | None = None
    """Text (UTF-8) to send as the body, exactly as it stands here. A Content-Type belongs under ``headers``."""
    expect: Expect = Field(default_factory=Expect)
    """What the response must be, for example ``{status: 200, "json.status": UP}``. Without it: a status of 200 to 299. Beside the keys of
    its own it takes ``"json.PATH": VALUE``, which compares what stands at a path of the JSON body (``"json.metrics.memoryUsage":
    "< 200MB"``, ``"json.items[0].state": ready``), and ``header.NAME: TEXT``, which wants a header that contains the text."""
    values: dict[str, str] = Field(default_factory=dict)
    """Numbers to keep from the JSON body, by name, for example ``{memory_bytes: metrics.memoryUsage}``; a number in quotes is one. One
    that is missing is a warning. The numbers at paths that ``expect`` mentions are kept too, as ``json_`` and the path."""
    warn: SecondsLimit | None = None
    """The check is ``warn`` where the whole request, with its redirects and its body, takes so long, for example ``> 100ms``."""
    fail: SecondsLimit | None = None
    """The check is ``fail`` where the whole request takes so long. Without it only the check's timeout counts."""
    redirects: int = Field(default=5, ge=0, le=20)
    """How many redirects are followed; with 0 a redirect is itself the response to judge."""
    verify: bool = True
    """Whether the server's certificate must be valid, trusted and for this host."""
    authority: str | None = None
    """Path of a PEM file with the certificate authorities to trust instead of the system's."""
    body_limit: Size = Field(default=1024 * 1024, ge=1, le=64 * 1024 * 1024)
    """How much of the body is read, at most 64MiB; usually 1MiB."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if (self.target is None) == (self.url is None):
            raise ValueError("give exactly one of target and url")
        if self.method == "HEAD" and (self.expect.asks_body or self.values):
            raise ValueError("a response to HEAD has no body: leave out what is expected of it, or use GET")
        for problem in (*_header_problems(self), *_name_problems(self.values)):
            raise ValueError(problem)
        return self


def _header_problems(options: HttpOptions) -> Iterator[str]:
    for name, value in (options.headers | options.secrets).items():
        if not _TOKEN.fullmatch(name):
            yield f"{show(name)} cannot be the name of a header"
        if any(ord(character) < 32 and character != "\t" for character in value):
            yield f"the header {name} holds a control character, which HTTP does not allow"
    for name, value in options.headers.items():
        if value.startswith("secret:"):
            yield f"the header {name} refers to a secret: write it under secrets instead of headers"


def _name_problems(values: Mapping[str, str]) -> Iterator[str]:
    for name, path in values.items():
        if not _VALUE_NAME.fullmatch(name):
            yield f"{show(name)} cannot be the name of a value: write small letters, digits and _, such as memory_bytes"
        if name in _MEASURED:
            yield f"{name} is measured by every http check: choose another name"
        parse_path(path)


def ask(options: HttpOptions, target: Target | None) -> tuple[Question, ...]:
    """The request. Raises AskError where the target has no url: that shows only when the target is known."""
    base = options.url if options.url is not None else target.url if target is not None else None
    if not base:
        raise AskError(f"the target {options.target} has no url, so there is nothing to ask: give it one, or give the check a url")
    request = Request(
        url=_joined(base, options.path),
        method=options.method,
        headers=options.headers,
        secrets=options.secrets,
        body=None if options.body is None else options.body.encode(),
        redirects=options.redirects,
        body_limit=options.body_limit,
        verify=options.verify,
        authority=options.authority,
    )
    return (request,)


def _joined(base: str, path: str) -> str:
    """The path after that of the base; a query of the base stays at the end, where a URL has it (RFC 3986, 3)."""
    if not path:
        return base
    address, mark, query = base.partition("#")[0].partition("?")
    joined = address.rstrip("/") + (path if path.startswith(("/", "?")) else f"/{path}")
    return joined + ("&" if mark and "?" in joined else mark) + query


def read(options: HttpOptions, answers: tuple[Answer, ...], earlier: Earlier | None) -> Observation:
    """Status and headers, then the body, then the time it took: the worst of them is the state."""
    response = answers[0]
    if not isinstance(response, Response):
        reason = response if isinstance(response, AnswerError) else "there is no response"
        return Observation(State.FAIL, f"{_asked(options)}: {reason}, expected {_expected_status(options.expect)}")
    document = _document(response) if options.expect.json_values or options.values else None
    values = _phases(response)
    verdicts = [_first_verdict(options, response)]
    verdicts += [Verdict(State.FAIL, clause) for clause in (*_header_misses(options.expect, response), *_body_misses(options, response))]
    if isinstance(document, AnswerError):
        verdicts.append(Verdict(State.FAIL, str(document)))
    elif options.expect.json_values or options.values:
        verdicts += _json_verdicts(options, document)
        values |= _numbers(options, document)
    verdict = together(verdicts)
    return Observation(verdict.state, verdict.sentence, values)


def _first_verdict(options: HttpOptions, response: Response) -> Verdict:
    """What was asked and answered, how long it took, and whether the status is as expected; the limits on time where it is."""
    took = response.phases.total
    first = response.passed[0] if response.passed else response.url
    by = (
        f" (through {len(response.passed)} redirect{'s' if len(response.passed) > 1 else ''} from {_shown(response.url)})"
        if response.passed
        else ""
    )
    seen = f"{options.method} {_shown(first)} answered {response.status}{by} in {describe(took, Unit.SECONDS)}"
    if not _status_fits(options.expect, response.status):
        return Verdict(State.FAIL, f"{seen}, expected {_expected_status(options.expect)}")
    return judge(seen, took, options.warn, options.fail)


def _asked(options: HttpOptions) -> str:
    where = _shown(_joined(options.url, options.path)) if options.url is not None else f"{options.path or '/'} of {options.target}"
    return f"{options.method} {where}"


def _shown(url: str) -> str:
    return redact_patterns(show(url)[1:-1])


def _status_fits(expect: Expect, status: int) -> bool:
    return any(wanted in (status, f"{status // 100}xx") for wanted in expect.status or ("2xx",))


def _expected_status(expect: Expect) -> str:
    return " or ".join(str(status) for status in expect.status or ("2xx",))


def _header_misses(expect: Expect, response: Response) -> Iterator[str]:
    present = {name.lower(): value for name, value in response.headers.items()}
    for name, wanted in expect.headers.items():
        value = present.get(name.lower())
        if value is None:
            yield f"there is no header {name}, expected one with {show(wanted)}"
        elif wanted not in value:
            yield f"the header {name} is {redact_patterns(show(value))}, expected one with {show(wanted)}"


def _body_misses(options: HttpOptions, response: Response) -> list[str]:
    expect = options.expect
    if not (expect.body or expect.body_not or expect.body_matches):
        return []
    wanted = Wanted(expect.body, expect.body_not, expect.body_matches)
    return missed("the body", response.body.decode(errors="replace"), wanted, complete=not response.truncated)


def _document(response: Response) -> object:
    """The parsed body, or an AnswerError with a clause that says why it is none."""
    if response.truncated:
        size = describe(len(response.body), Unit.BYTES)
        return AnswerError(f"the body is longer than the {size} that were read, so its JSON cannot be judged (body_limit)")
    try:
        return json.loads(response.body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        begins = show(response.body[:400].decode(errors="replace").strip()) if response.body else "nothing"
        return AnswerError(f"the body is no JSON: {begins}")


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON (RFC 8259 section 6)")


def _json_verdicts(options: HttpOptions, document: object) -> Iterator[Verdict]:
    """Each value that is not as expected with its sentence; those that are, in one clause: they need no reading."""
    judged = [judge_json(document, path, expected) for path, expected in options.expect.json_values.items()]
    held = [sentence for holds, sentence in judged if holds]
    yield from (Verdict(State.FAIL, sentence) for holds, sentence in judged if not holds)
    if held:
        yield Verdict(State.OK, held[0] if len(judged) == 1 else f"{len(held)} of {len(judged)} JSON values are as expected")
    for name, path in options.values.items():
        if _number(document, path) is None:
            yield Verdict(State.WARN, f"there is no number at json.{path} to keep as {name}")


def _numbers(options: HttpOptions, document: object) -> dict[str, float]:
    named = {f"json_{re.sub('[^A-Za-z0-9]+', '_', path).strip('_')}": path for path in options.expect.json_values} | options.values
    numbers = {name: _number(document, path) for name, path in named.items()}
    return {name: number for name, number in numbers.items() if number is not None}


def _number(document: object, path: str) -> float | None:
    """The number at that path, also one in quotes, as Prometheus writes its figures."""
    value = json_value(document, path)
    if isinstance(value, str) and _QUOTED_NUMBER.fullmatch(value):
        return finite(float(value))
    return finite(value)


def _phases(response: Response) -> dict[str, float]:
    phases = response.phases
    seconds = (phases.dns, phases.connect, phases.tls, phases.first_byte, phases.total)
    return dict(zip(_MEASURED, (*seconds, float(response.status), float(len(response.body))), strict=True))


def runs_text(options: HttpOptions) -> str:
    """Everything that determines what a request with a changing method does; empty for a method that only reads."""
    if options.method in _READING:
        return ""
    lines = [
        f"{options.method} {options.url or f'target {options.target} '}{options.path}",
        f"headers: {json.dumps(options.headers, sort_keys=True)}",
        f"secrets: {json.dumps(options.secrets, sort_keys=True)}",
        f"redirects: {options.redirects}, verify: {json.dumps(options.verify)}, authority: {json.dumps(options.authority)}",
    ]
    return "\n".join(lines) + ("" if options.body is None else f"\nbody:\n{options.body}")


DRIVER = Kind(
    summary="A request and its response: status, headers, body, JSON values, and how long it took",
    options=HttpOptions,
    ask=ask,
    read=read,
    runs_text=runs_text,
)
