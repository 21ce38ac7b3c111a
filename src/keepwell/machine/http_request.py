"""The head of a request, as it is sent."""

import base64
import re
from collections.abc import Mapping
from urllib.parse import unquote

from yarl import URL

from keepwell import __version__
from keepwell.kernel.problems import AskError
from keepwell.kernel.quoting import quoted

_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_AGENT = f"Keepwell/{__version__}"
_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Z-]+")  # RFC 9110 section 5.6.2
_OURS = frozenset({"transfer-encoding", "content-length", "expect"})


def head(method: str, url: URL, headers: Mapping[str, str], body: bytes | None) -> bytes:
    """The head of a request (RFC 9112 sections 2 and 3). Raises AskError for a header that this client decides itself."""
    if not _METHOD.fullmatch(method):
        raise AskError(f"the request cannot be put: {quoted(method)} is no method of HTTP")
    given = {name.lower() for name in headers}
    ours = sorted(given & _OURS)
    if ours:
        raise AskError(f"the request cannot be put: Keepwell writes the header {ours[0]} itself")
    lines = [f"{method} {url.raw_path_qs} HTTP/1.1"]
    if "host" not in given:
        lines.append(f"Host: {url.host_port_subcomponent}")
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if "accept" not in given:
        lines.append("Accept: */*")
    if "user-agent" not in given:
        lines.append(f"User-Agent: {_AGENT}")
    if url.raw_user is not None or url.raw_password is not None:
        if "authorization" in given:
            raise AskError("the request cannot be put: its address holds a user and its headers an Authorization; give one of them")
        lines.append(f"Authorization: {_basic(url)}")
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
        if "content-type" not in given:
            lines.append("Content-Type: application/octet-stream")
    elif method not in _WITHOUT_BODY:
        lines.append("Content-Length: 0")
    if "connection" not in given:
        lines.append("Connection: close")
    return "\r\n".join((*lines, "", "")).encode()


def _basic(url: URL) -> str:
    """The credentials of an address as RFC 7617 writes them."""
    pair = f"{unquote(url.raw_user or '')}:{unquote(url.raw_password or '')}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"
