"""The questions of one look, in order: pages of the list, then the bucket's settings, then the round trip."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

from keepwell.kernel.problems import AnswerError
from keepwell.ports.http import AwsSignature, Request, Response
from keepwell.rooms.checks.model import Answer

from .options import S3Options
from .replies import Listed, is_page, listed

BODY = b"Keepwell wrote this to see whether it can be read back. It is deleted again at once.\n"
_PAGE_BYTES = 4 * 1024 * 1024
_SMALL = 64 * 1024


@dataclass(frozen=True, slots=True)
class Asked:
    """The answers of one look by what they answer. ``pages`` are those of the list; None where a question was not (yet) put."""

    pages: tuple[Answer, ...]
    settings: dict[str, Answer]
    put: Answer | None
    get: Answer | None
    delete: Answer | None


def sorted_out(options: S3Options, answers: Sequence[Answer]) -> Asked:
    """Which answer answers what."""
    left = list(answers)
    pages = [left.pop(0)] if left else []
    while left and is_page(left[0]):
        pages.append(left.pop(0))
    if left and isinstance(left[0], AnswerError) and _next_page(options, pages) is not None:
        pages.append(left.pop(0))
    settings = {name: left.pop(0) for name in _settings(options) if left}
    trip = [left.pop(0) if left else None for _ in range(3)]
    return Asked(tuple(pages), settings, *trip)


def first(options: S3Options) -> Request:
    """The first page of the list."""
    return _list(options, "")


def following(options: S3Options, answers: Sequence[Answer]) -> tuple[Request, ...]:
    """What is asked next; nothing where that was all, or the bucket cannot be asked at all."""
    if len(answers) == 1 and not isinstance(listed(answers[0]), Listed):
        return ()
    asked = sorted_out(options, answers)
    token = _next_page(options, asked.pages) if not asked.settings and asked.put is None else None
    if token is not None:
        return (_list(options, token),)
    if len(asked.settings) < len(_settings(options)):
        return tuple(_request(options, "GET", query=name) for name in _settings(options))
    if not options.round_trip or asked.delete is not None:
        return ()
    key = options.round_trip_key
    if asked.put is None:
        return (_request(options, "PUT", key=key, body=BODY),)
    if not (isinstance(asked.put, Response) and asked.put.status == 200):
        return ()
    return (_request(options, "GET", key=key), _request(options, "DELETE", key=key))


def _next_page(options: S3Options, pages: Sequence[Answer]) -> str | None:
    """The token of the page that follows; None where there is none or enough were seen."""
    if not options.lists or len(pages) >= options.pages:
        return None
    last = listed(pages[-1])
    return last.token if isinstance(last, Listed) and last.token else None


def _settings(options: S3Options) -> tuple[str, ...]:
    wanted = {"versioning": options.versioning, "lifecycle": options.lifecycle, "publicAccessBlock": options.public_access_blocked}
    return tuple(name for name, value in wanted.items() if value is not None)


def _list(options: S3Options, token: str) -> Request:
    query = {"encoding-type": "url", "list-type": "2", "max-keys": "1000" if options.lists else "1"}
    if options.prefix:
        query["prefix"] = options.prefix
    if token:
        query["continuation-token"] = token
    return _request(options, "GET", query=urlencode(query, quote_via=quote))


def _request(options: S3Options, method: str, *, key: str = "", query: str = "", body: bytes | None = None) -> Request:
    signature = None
    if options.access_key is not None and options.secret_key is not None:
        signature = AwsSignature(options.access_key, options.secret_key, options.region, token=options.token)
    return Request(
        address(options) + (f"/{key}" if key else "") + (f"?{query}" if query else ""),
        method,
        body=body,
        redirects=0,
        body_limit=_PAGE_BYTES if query.startswith("encoding") else _SMALL,
        verify=options.verify,
        authority=options.authority,
        signature=signature,
    )


def address(options: S3Options) -> str:
    """Where the bucket is asked."""
    parts = urlsplit((options.endpoint or f"https://s3.{options.region}.amazonaws.com").rstrip("/"))
    if options.addressing == "host":
        return f"{parts.scheme}://{options.bucket}.{parts.netloc}{parts.path}"
    return f"{parts.scheme}://{parts.netloc}{parts.path}/{options.bucket}"
