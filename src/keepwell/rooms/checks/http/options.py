"""The options of the kind ``http``: one request, or steps that follow each other."""

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, WithJsonSchema, model_validator

from keepwell.config.options import ExpandedText, HttpUrl, Options, Reference, SecretReference, Size
from keepwell.kernel.conditions import parse_path
from keepwell.rooms.checks.limits import SecondsLimit, SecondsLimits, WarnsBeforeItFails
from keepwell.rooms.checks.texts import show

from .expect import Expect
from .keeping import Source
from .names import MEASURED, TOKEN, VALUE_NAME, places
from .signing import SignatureOptions

READING = ("GET", "HEAD", "OPTIONS")
MOST_STEPS = 20
FormValue = ExpandedText | tuple[ExpandedText, ...]
JsonBody = Annotated[Any, WithJsonSchema({"description": "any JSON value"})]


class BasicOptions(Options):
    """Who asks, by name and password (HTTP's Basic authentication)."""

    user: ExpandedText = Field(min_length=1)
    """Name of the user. ``${VAR}`` is replaced from the environment."""
    password: SecretReference
    """The password, for example ``secret:STATUS_PASSWORD``."""


class AddressOptions(WarnsBeforeItFails):
    """Where a request goes."""

    target: Annotated[str, Reference("targets")] | None = None
    """A target; ``path`` is appended to its url."""
    url: HttpUrl | None = None
    """An address that begins with http:// or https://. ``${VAR}`` is replaced from the environment."""


class RequestOptions(WarnsBeforeItFails):
    """One request and its expected response."""

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
    form: dict[str, FormValue] | None = None
    """Fields of a form to send as the body (``application/x-www-form-urlencoded``), for example ``{CallSid: CA123}``; a list sends a field
    several times. ``${VAR}`` is replaced from the environment."""
    json_body: JsonBody = None
    """A value to send as JSON (``application/json``), for example ``{user: probe, roles: [reader]}``."""
    body_secrets: dict[str, SecretReference] = Field(default_factory=dict)
    """Parts of the body that are secrets: fields of ``form``, or paths in ``json_body``, for example ``{password: "secret:PROBE"}``."""
    signature: SignatureOptions | None = None
    """A header that signs the request, for example ``{kind: twilio, secret: "secret:TWILIO_AUTH_TOKEN"}``."""
    expect: Expect = Field(default_factory=Expect)
    """What the response must be, for example ``{status: 200, "json.status": UP}``. Without it: a status of 200 to 299. Beside the keys of
    its own it takes ``"json.PATH": VALUE``, which compares what stands at a path of the JSON body (``"json.metrics.memoryUsage":
    "< 200MB"``, ``"json.items[0].state": ready``), ``"xml.PATH": TEXT``, which does so with an XML body (``"xml.Gather/Say": Hello``), and
    ``header.NAME: TEXT``, which wants a header that contains the text."""
    values: dict[str, str] = Field(default_factory=dict)
    """Numbers to keep from the JSON body, by name, for example ``{memory_bytes: metrics.memoryUsage}``; a number in quotes is one. One
    that is missing is a warning. The numbers at paths that ``expect`` mentions are kept too, as ``json_`` and the path."""
    warn: SecondsLimit | None = None
    """The check is ``warn`` where the whole request, with its redirects and its body, takes so long, for example ``> 100ms``."""
    fail: SecondsLimit | None = None
    """The check is ``fail`` where the whole request takes so long. Without it only the check's timeout counts."""
    redirects: int = Field(default=5, ge=0, le=20)
    """How many redirects are followed; with 0 a redirect is itself the response to judge."""

    @model_validator(mode="after")
    def _makes_sense_by_itself(self) -> Self:
        if self.method == "HEAD" and (self.expect.asks_body or self.values):
            raise ValueError("a response to HEAD has no body: leave out what is expected of it, or use GET")
        for problem in (*_header_problems(self), *_name_problems(self.values), *_body_problems(self)):
            raise ValueError(problem)
        return self

    @property
    def fields(self) -> tuple[tuple[str, str], ...]:
        """The form's fields one by one."""
        given = (self.form or {}).items()
        return tuple((name, value) for name, values in given for value in ((values,) if isinstance(values, str) else values))


class Step(RequestOptions):
    """One request of several. Values that earlier steps kept stand in ``{{NAME}}``: in the path, the headers, the fields of a form, the
    texts of a JSON body, and as a whole value that is expected of JSON."""

    name: str | None = Field(default=None, pattern="^[a-z][a-z0-9_]*$", max_length=40)
    """What the step is called, in sentences and before its values (``login_duration_seconds``). Without it: ``step_1`` and so on."""
    keep: dict[str, Source] = Field(default_factory=dict)
    """Values for later steps, by name: ``json.PATH``, ``xml.PATH``, ``header.NAME``, ``cookie.NAME``, or ``{after: TEXT, before: TEXT}``,
    which takes what stands between two texts of the body. One that is missing fails the step. What is kept is never shown."""


class HttpOptions(RequestOptions, AddressOptions):
    """A request and its expected response, or steps. Exactly one of target and url."""

    verify: bool = True
    """Whether the server's certificate must be valid, trusted and for this host."""
    authority: str | None = None
    """Path of a PEM file with the certificate authorities to trust instead of the system's."""
    body_limit: Size = Field(default=1024 * 1024, ge=1, le=64 * 1024 * 1024)
    """How much of the body is read, at most 64MiB; usually 1MiB."""
    basic: BasicOptions | None = None
    """User and password to send, for example ``{user: probe, password: "secret:STATUS_PASSWORD"}``; to the address asked, to no other."""
    certificate: SecondsLimits | None = None
    """Limits on how long the server's certificate is still valid, for example ``{warn: "< 30d", fail: "< 7d"}``. Without it the days are
    only kept, as ``certificate_days_left``."""
    steps: tuple[Step, ...] = Field(default=(), max_length=MOST_STEPS)
    """Requests one after the other, instead of the one above; a step that is not as expected ends the look. ``headers``, ``secrets`` and
    ``basic`` above are sent with each; cookies are kept from step to step and forgotten at the end. ``warn`` and ``fail`` above judge all
    steps together. The check's timeout is for all of them."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if (self.target is None) == (self.url is None):
            raise ValueError("give exactly one of target and url")
        if self.certificate is not None and not self.verify:
            raise ValueError("of a certificate that is not verified nothing is known: leave out verify: false, or certificate")
        if self.basic is not None and "authorization" in {name.lower() for name in (*self.headers, *self.secrets)}:
            raise ValueError("basic is sent as the header Authorization, which stands here too: leave out one of them")
        for problem in _step_problems(self):
            raise ValueError(problem)
        return self

    @property
    def requests(self) -> tuple[RequestOptions, ...]:
        """The steps, or the one request."""
        return self.steps or (self,)

    def name_of(self, position: int) -> str:
        """What a step is called."""
        return self.steps[position].name or f"step_{position + 1}"


def _header_problems(options: RequestOptions) -> Iterator[str]:
    for name, value in (options.headers | options.secrets).items():
        if not TOKEN.fullmatch(name):
            yield f"{show(name)} cannot be the name of a header"
        if any(ord(character) < 32 and character != "\t" for character in value):
            yield f"the header {name} holds a control character, which HTTP does not allow"
    for name, value in options.headers.items():
        if value.startswith("secret:"):
            yield f"the header {name} refers to a secret: write it under secrets instead of headers"


def _name_problems(values: Mapping[str, str]) -> Iterator[str]:
    for name, path in values.items():
        if not VALUE_NAME.fullmatch(name):
            yield f"{show(name)} cannot be the name of a value: write small letters, digits and _, such as memory_bytes"
        if name in MEASURED:
            yield f"{name} is measured by every http check: choose another name"
        parse_path(path)


def _body_problems(options: RequestOptions) -> Iterator[str]:
    bodies = [key for key, given in (("body", options.body), ("form", options.form), ("json_body", options.json_body)) if given is not None]
    if len(bodies) > 1:
        yield f"a request has one body: give only one of {' and '.join(bodies)}"
    if options.body_secrets and (not bodies or bodies == ["body"]):
        yield "body_secrets are parts of form or json_body: give one of these"
    if any(value.startswith("secret:") for _, value in options.fields):
        yield "a field of the form refers to a secret: write it under body_secrets instead of form"
    if options.json_body is not None:
        for path in options.body_secrets:
            if not parse_path(path):
                yield "a secret stands at a path of json_body, not in its place"
    signature = options.signature
    if signature is not None and signature.kind == "twilio" and (options.body is not None or options.json_body is not None):
        yield "Twilio signs the fields of a form: give form instead of body or json_body"
    if signature is not None and signature.kind == "twilio" and options.body_secrets:
        yield "Twilio's signature covers every field of the form, and its text is made before secrets are known: leave out body_secrets"


def _step_problems(options: HttpOptions) -> Iterator[str]:
    if not options.steps:
        if any(places(text) for text in _with_places(options)):
            yield "{{NAME}} stands for a value that an earlier step kept, and there are no steps"
        return
    beside = {"path", "method", "body", "form", "json_body", "body_secrets", "signature", "expect", "values", "redirects"}
    if wrong := sorted(beside & options.model_fields_set):
        yield f"{wrong[0]} belongs into the steps, where there are steps"
    names = [options.name_of(position) for position in range(len(options.steps))]
    if doubled := next((name for name in names if names.count(name) > 1), None):
        yield f"two steps are called {doubled}: give each a name of its own"
    kept: set[str] = set()
    for name, step in zip(names, options.steps, strict=True):
        if missing := next((place for text in _with_places(step) for place in places(text) if place not in kept), None):
            yield f"the step {name} uses {{{{{missing}}}}}, which no step before it keeps"
        if wrong := [one for one in step.keep if not VALUE_NAME.fullmatch(one)]:
            yield f"{show(wrong[0])} cannot be the name of a kept value: write small letters, digits and _, such as token"
        kept |= step.keep.keys()


def _with_places(options: RequestOptions) -> Iterator[str]:
    """Every text in which a kept value may stand."""
    yield options.path
    yield from options.headers.values()
    yield from (value for _, value in options.fields)
    yield from texts_in(options.json_body)
    yield from (value for value in options.expect.json_values.values() if isinstance(value, str))


def texts_in(value: object) -> Iterator[str]:
    """Every text in a JSON value; names of an object are none."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from (text for part in value.values() for text in texts_in(part))
    elif isinstance(value, list | tuple):
        yield from (text for part in value for text in texts_in(part))


def _request_lines(options: RequestOptions, where: str) -> Iterator[str]:
    yield f"{options.method} {where}{options.path}"
    yield f"headers: {json.dumps(options.headers, sort_keys=True)}"
    yield f"secrets: {json.dumps(options.secrets, sort_keys=True)}"


def runs_text(options: HttpOptions) -> str:
    """Everything that determines what requests with a changing method do; empty where every method only reads."""
    if all(request.method in READING for request in options.requests):
        return ""
    where = f"{options.url or f'target {options.target} '}"
    trust = f"verify: {json.dumps(options.verify)}, authority: {json.dumps(options.authority)}"
    shared = [] if options.basic is None else [f"basic: {options.basic.model_dump_json()}"]
    if not options.steps:
        lines = [*_request_lines(options, where), f"redirects: {options.redirects}, {trust}", *shared, *_body_lines(options)]
        return "\n".join(lines)
    lines = [*list(_request_lines(options, where))[1:], trust, *shared]
    for position, step in enumerate(options.steps):
        keep = {name: source if isinstance(source, str) else source.model_dump() for name, source in step.keep.items()}
        lines += [f"step {options.name_of(position)}:", *_request_lines(step, where), f"redirects: {step.redirects}", *_body_lines(step)]
        lines += [f"keep: {json.dumps(keep, sort_keys=True)}"] if keep else []
    return "\n".join(lines)


def _body_lines(options: RequestOptions) -> Iterator[str]:
    if options.signature is not None:
        yield f"signature: {options.signature.model_dump_json(exclude_defaults=True)}"
    if options.body_secrets:
        yield f"body_secrets: {json.dumps(options.body_secrets, sort_keys=True)}"
    if options.form is not None:
        yield f"form: {json.dumps(options.form)}"
    if options.json_body is not None:
        yield f"json_body: {json.dumps(options.json_body)}"
    if options.body is not None:
        yield f"body:\n{options.body}"
