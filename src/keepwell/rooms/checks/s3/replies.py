"""What S3 answers (https://docs.aws.amazon.com/AmazonS3/latest/API/Type_API_Reference.html): lists, settings and errors, in XML."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import unquote_plus
from xml.etree import ElementTree

from keepwell.kernel.problems import AnswerError
from keepwell.ports.http import Response
from keepwell.rooms.checks.model import Answer

_LARGEST = 10**18


@dataclass(frozen=True, slots=True)
class Stored:
    """One object of a list."""

    key: str
    at: datetime
    size: int


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of a list: its objects, the token of the next page (empty where it is the last), and the server's own time."""

    objects: tuple[Stored, ...]
    token: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class S3Fault:
    """An error: the HTTP status, S3's code for it (empty where it gave none), and its message with what else it tells."""

    status: int
    code: str
    message: str
    region: str = ""
    request_time: str = ""
    server_time: str = ""


def listed(answer: Answer) -> Listed | S3Fault | AnswerError:
    """A page of a list, or why there is none."""
    found = document(answer, "ListBucketResult")
    if not isinstance(found, ElementTree.Element):
        return found
    encoded = text(found, "EncodingType") == "url"
    objects: list[Stored] = []
    try:
        for entry in found.iterfind("{*}Contents"):
            held = {child.tag.rpartition("}")[2]: child.text or "" for child in entry}
            size, at = int(held["Size"]), datetime.fromisoformat(held["LastModified"]).astimezone(UTC)
            if not 0 <= size <= _LARGEST:
                raise ValueError(size)
            objects.append(Stored(unquote_plus(held["Key"]) if encoded else held["Key"], at, size))
    except (KeyError, ValueError, OverflowError):
        return AnswerError("the list holds an object whose size or time is not usable")
    token = text(found, "NextContinuationToken") if text(found, "IsTruncated") == "true" else ""
    return Listed(tuple(objects), token, server_time(answer))


def document(answer: Answer, root: str) -> ElementTree.Element | S3Fault | AnswerError:
    """The XML document that a response of status 200 holds, ``root`` being a part of its name; or the error that came instead."""
    if isinstance(answer, AnswerError):
        return answer
    if not isinstance(answer, Response):
        return AnswerError("there is no answer of an S3 service")
    if answer.truncated:
        return AnswerError("the answer is longer than an answer of S3 may be")
    element = _parsed(answer.body)
    if answer.status != 200:
        return _fault(answer, element)
    if element is None or root not in element.tag.rpartition("}")[2]:
        return AnswerError("the answer is not that of an S3 service")
    return element


def fault(answer: Answer) -> S3Fault | AnswerError | None:
    """The error of an answer whose content does not matter; None where it succeeded."""
    if isinstance(answer, AnswerError):
        return answer
    if not isinstance(answer, Response):
        return AnswerError("there is no answer of an S3 service")
    return None if answer.status in (200, 204) else _fault(answer, _parsed(answer.body))


def text(element: ElementTree.Element, name: str) -> str:
    """The text of a child; empty where there is none."""
    return (element.findtext(f"{{*}}{name}") or "").strip()


def texts(element: ElementTree.Element, name: str) -> Iterator[str]:
    """The texts of all elements of that name below."""
    return ((found.text or "").strip() for found in element.iter() if found.tag.rpartition("}")[2] == name)


def is_page(answer: Answer) -> bool:
    """Whether that answers the question for a page of the list, told by its address: parsing every page again and again would cost."""
    return isinstance(answer, Response) and "list-type=2" in answer.url


def server_time(answer: Answer) -> datetime | None:
    """The server's own time, from the header Date (RFC 9110 section 6.6.1)."""
    if not isinstance(answer, Response):
        return None
    value = next((value for name, value in answer.headers.items() if name.lower() == "date"), "")
    try:
        at = parsedate_to_datetime(value)
        return at.astimezone(UTC) if at.tzinfo is not None else None
    except (TypeError, ValueError, OverflowError):
        return None


def _fault(answer: Response, element: ElementTree.Element | None) -> S3Fault:
    if element is None or element.tag.rpartition("}")[2] != "Error":
        return S3Fault(answer.status, "", "")
    names = ("Code", "Message", "Region", "RequestTime", "ServerTime")
    return S3Fault(answer.status, *(text(element, name) for name in names))


def _parsed(body: bytes) -> ElementTree.Element | None:
    # No answer of S3 declares a document type; with one, a few bytes could unfold to gigabytes.
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        return None
    try:
        return ElementTree.fromstring(body)
    except (ElementTree.ParseError, ValueError, LookupError):
        return None
