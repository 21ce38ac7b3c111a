"""``curl`` lines: those that read with GET become http checks, the others are left with the reason (curl(1))."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from keepwell.rooms.manual.model import Asked, Found, Left
from keepwell.rooms.manual.shell import Simple

from .placeholders import placeholder, unknown_variable

_WITH_VALUE = frozenset("AbcCdDeEFHKmoPQrtTuUwxXyYz")
_LONG_NAMES = {"X": "request", "H": "header", "d": "data", "F": "form", "T": "upload-file", "u": "user", "b": "cookie", "E": "cert"}
_LONG_NAMES |= {"I": "head", "G": "get", "k": "insecure", "K": "config", "x": "proxy", "n": "netrc"}
_SENDS = {"data", "data-raw", "data-binary", "data-ascii", "data-urlencode", "json", "form", "form-string", "upload-file"}
_CREDENTIALS = {"user", "cookie", "cert", "oauth2-bearer", "netrc"}
_ANOTHER_WAY = {"proxy", "resolve", "connect-to", "unix-socket", "interface", "config"}
_LONG_WITH_VALUE = (_SENDS | _CREDENTIALS | _ANOTHER_WAY) - {"netrc"}
_LONG_WITH_VALUE |= {
    "request",
    "header",
    "cookie-jar",
    "key",
    "cacert",
    "capath",
    "output",
    "write-out",
    "max-time",
    "range",
    "retry",
    "url",
}
_LONG_WITH_VALUE |= {"connect-timeout", "retry-delay", "retry-max-time", "user-agent", "referer", "dump-header", "max-redirs", "stderr"}
_LONG_WITH_VALUE |= {"max-filesize", "limit-rate", "proto", "tls-max"}
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\]")
_REST = re.compile(r"[A-Za-z0-9._~:/?@!'()*+,;=%&-]*")  # RFC 3986, section 3.3 and 3.4, without "$" and brackets
_NO_SCHEME = re.compile(r"[A-Za-z0-9.-]+(?::\d+)?(?:/.*)?")


@dataclass(slots=True)
class _Words:
    """The words of a curl command sorted out: its addresses, its options with their values, by long name."""

    addresses: list[str] = field(default_factory=list)
    options: dict[str, str] = field(default_factory=dict)
    headers: list[str] = field(default_factory=list)


def read_curl(command: Simple, line: int, text: str) -> Iterator[Found]:
    """What a curl command asks: one http check an address."""
    words = _sort(command.words[1:])
    reason = _not_reading(words)
    for written in words.addresses or [""]:
        base, path, wrong = _address(written)
        if reason or wrong:
            yield Left(line, text, reason or wrong)
        else:
            trust = {"authority": words.options["cacert"]} if "cacert" in words.options else {}
            yield Asked(line, text, "http", {"path": path, **trust}, base)


def _sort(words: Sequence[str]) -> _Words:
    sorted_out = _Words()
    rest = iter(words)
    for word in rest:
        if word.startswith("--"):
            name, given, value = word[2:].partition("=")
            _note(sorted_out, name, value if given or name not in _LONG_WITH_VALUE else next(rest, ""))
        elif word.startswith("-") and len(word) > 1:
            _short(sorted_out, word[1:], rest)
        else:
            sorted_out.addresses.append(word)
    return sorted_out


def _short(sorted_out: _Words, letters: str, rest: Iterator[str]) -> None:
    for index, letter in enumerate(letters):
        if letter in _WITH_VALUE:
            _note(sorted_out, _LONG_NAMES.get(letter, letter), letters[index + 1 :] or next(rest, ""))
            return
        _note(sorted_out, _LONG_NAMES.get(letter, letter), "")


def _note(sorted_out: _Words, name: str, value: str) -> None:
    if name == "url":
        sorted_out.addresses.append(value)
    elif name == "header":
        sorted_out.headers.append(value)
    else:
        sorted_out.options[name] = value


def _not_reading(words: _Words) -> str:
    """Why the command is no plain reading request, or nothing."""
    given = words.options.keys()
    method = words.options.get("request", "").upper()
    sends = bool(given & _SENDS) and "get" not in given
    if method not in {"", "GET"} or sends:
        return f"it sends a {method or 'POST'} request; only requests that read (GET) are imported"
    if given & _SENDS:
        return "it puts data into the address (-G), which is not imported"
    if "head" in given:
        return "it asks for headers only (HEAD); only GET is imported"
    if given & _CREDENTIALS or any(re.match(r"(authorization|cookie|x-[\w-]*(key|token))\s*:", header, re.I) for header in words.headers):
        return "it holds credentials, which do not belong in keepwell.yaml: write the check by hand with a reference to a secret"
    if words.headers:
        return "it sends headers of its own, which are not imported"
    if given & _ANOTHER_WAY:
        return f"it reaches the server another way (--{min(given & _ANOTHER_WAY)}), which is not imported"
    if "insecure" in given:
        return "it does not verify the certificate (-k): name the authority that signed it with --cacert instead"
    unclear = placeholder(words.options.get("cacert", "")) or unknown_variable(words.options.get("cacert", ""))
    return f"its --cacert is not a path: {unclear}" if unclear else ""


def _address(written: str) -> tuple[str, str, str]:
    """Base, path (with query) and, where it is no address to ask, the reason."""
    if not written:
        return "", "", "it names no address"
    if placeholder(written):
        return "", "", f"its address holds a placeholder: {placeholder(written)}"
    if unknown_variable(written):
        return "", "", f"its address holds {unknown_variable(written)}, to which this block gives no plain value"
    full = written if "://" in written or not _NO_SCHEME.fullmatch(written) else f"http://{written}"
    try:
        parts = urlsplit(full)
        port = parts.port
    except ValueError:
        return "", "", "its address is not a valid URL"
    if parts.username is not None or parts.password is not None:
        return "", "", "its address holds credentials, which do not belong in keepwell.yaml"
    host = parts.netloc.rpartition(":")[0] if port is not None else parts.netloc.removesuffix(":")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if parts.scheme not in {"http", "https"} or not _HOST.fullmatch(host) or not _REST.fullmatch(path):
        return "", "", "its address is not a valid http or https URL"
    return f"{parts.scheme}://{host.lower()}" + (f":{port}" if port is not None else ""), path, ""
