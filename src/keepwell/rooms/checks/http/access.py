"""How another program's HTTP interface is reached: the options that kinds for Prometheus and the like share, and their request."""

from typing import Self
from urllib.parse import urlencode

from pydantic import Field, model_validator

from keepwell.config.options import ExpandedText, SecretReference, Size
from keepwell.config.targets import Target
from keepwell.kernel.problems import AnswerError, AskError
from keepwell.ports.http import Basic, Request, Response
from keepwell.rooms.checks.model import Answer
from keepwell.rooms.checks.texts import first_line, show

from .asking import joined
from .judging import shown_url
from .names import TOKEN
from .options import AddressOptions, BasicOptions

_SAID = 400


class AccessOptions(AddressOptions):
    """How the interface is reached. Exactly one of target and url."""

    headers: dict[str, ExpandedText] = Field(default_factory=dict)
    """Headers to send, for example ``{X-Scope-OrgID: team}``. ``${VAR}`` is replaced; secrets belong under ``secrets``."""
    secrets: dict[str, SecretReference] = Field(default_factory=dict)
    """Headers whose whole value is a secret, for example ``{Authorization: "secret:PROMETHEUS_AUTHORIZATION"}``."""
    basic: BasicOptions | None = None
    """User and password to send, for example ``{user: probe, password: "secret:PROMETHEUS_PASSWORD"}``."""
    verify: bool = True
    """Whether the server's certificate must be valid, trusted and for this host."""
    authority: str | None = None
    """Path of a PEM file with the certificate authorities to trust instead of the system's."""
    body_limit: Size = Field(default=4 * 1024 * 1024, ge=1, le=64 * 1024 * 1024)
    """How much of the answer is read, at most 64MiB; usually 4MiB. A longer one cannot be judged."""

    @model_validator(mode="after")
    def _can_be_reached(self) -> Self:
        if (self.target is None) == (self.url is None):
            raise ValueError("give exactly one of target and url")
        for name, value in (self.headers | self.secrets).items():
            if not TOKEN.fullmatch(name) or any(ord(character) < 32 for character in value):
                raise ValueError(f"{show(name)} cannot be sent as a header")
        if wrong := next((name for name, value in self.headers.items() if value.startswith("secret:")), None):
            raise ValueError(f"the header {wrong} refers to a secret: write it under secrets instead of headers")
        return self


def request_to(options: AccessOptions, target: Target | None, path: str, query: tuple[tuple[str, str], ...] = ()) -> Request:
    """The request to a path of the interface. Raises AskError where the target has no url."""
    base = options.url if options.url is not None else target.url if target is not None else None
    if not base:
        raise AskError(f"the target {options.target} has no url, so there is nothing to ask: give it one, or give the check a url")
    url = joined(base, path)
    if query:
        url += ("&" if "?" in url else "?") + urlencode(query)
    return Request(
        url=url,
        headers=options.headers,
        secrets=options.secrets,
        body_limit=options.body_limit,
        verify=options.verify,
        authority=options.authority,
        basic=Basic(options.basic.user, options.basic.password) if options.basic is not None else None,
    )


def response_of(options: AccessOptions, answer: Answer, *, statuses: tuple[int, ...] = (200,)) -> Response:
    """The whole response with one of these statuses. Raises AnswerError with a sentence where there is none."""
    if not isinstance(answer, Response):
        where = f"target {options.target}" if options.url is None else shown_url(options.url)
        raise AnswerError(f"{where}: {answer if isinstance(answer, AnswerError) else 'there is no response'}")
    if answer.status not in statuses:
        said = show(first_line(answer.body[:_SAID].decode(errors="replace"))) if answer.body.strip() else "nothing else"
        raise AnswerError(f"{shown_url(answer.url)} answered {answer.status}, expected {statuses[0]}; it said {said}")
    if answer.truncated:
        raise AnswerError(f"{shown_url(answer.url)} answered more than the {len(answer.body)} bytes that are read (body_limit)")
    return answer
