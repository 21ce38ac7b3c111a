"""Bodies as documents: parsed JSON and XML, or one sentence why a body is none."""

import json
from xml.etree import ElementTree

from keepwell.kernel.comparisons import Unit, describe
from keepwell.ports.http import Response
from keepwell.rooms.checks.texts import show

from .xml import parse_xml


def json_document(response: Response) -> object:
    """The parsed body (RFC 8259). Raises ValueError with a clause that says why it is none."""
    _complete(response, "JSON")
    try:
        return _DECODER.decode(response.body.decode(json.detect_encoding(response.body), "surrogatepass"))
    except (ValueError, RecursionError):
        raise ValueError(f"the body is no JSON: {_begins(response)}") from None


def xml_document(response: Response) -> ElementTree.Element:
    """The root element of the body. Raises ValueError with a clause that says why there is none."""
    _complete(response, "XML")
    try:
        return parse_xml(response.body)
    except ValueError as error:
        raise ValueError(f"the body is no XML ({error}): {_begins(response)}") from None


def _complete(response: Response, language: str) -> None:
    if response.truncated:
        size = describe(len(response.body), Unit.BYTES)
        raise ValueError(f"the body is longer than the {size} that were read, so its {language} cannot be judged (body_limit)")


def _begins(response: Response) -> str:
    return show(response.body[:400].decode(errors="replace").strip()) if response.body else "nothing"


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON (RFC 8259 section 6)")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)
"""What ``json.loads`` would make anew for each body."""
