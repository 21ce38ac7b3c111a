"""Cookies of one look: which are held after an answer, and which are sent with a request (RFC 6265 sections 5.2 to 5.4).

Parts of the standard that only a browser needs (SameSite, lists of public suffixes, expiry while nobody looks) are left out: what is held
lives for a few seconds and is sent to nobody but the addresses of one check.
"""

from collections.abc import Iterable
from email.utils import parsedate_to_datetime

from yarl import URL

from keepwell.ports.http import Cookie

_MOST = 50
_LONGEST = 4096


def cookie_header(held: Iterable[Cookie], url: URL) -> str:
    """The value of the Cookie header for that address; empty where no cookie belongs there."""
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in held if _belongs(cookie, url))


def received(held: tuple[Cookie, ...], lines: Iterable[str], url: URL, now: float) -> tuple[Cookie, ...]:
    """What is held after an answer of ``url`` with these Set-Cookie headers; at most 50, of at most 4096 characters each."""
    for line in lines:
        found = _parsed(line, url, now)
        if found is None:
            continue
        cookie, lives = found
        held = tuple(other for other in held if (other.name, other.domain, other.path) != (cookie.name, cookie.domain, cookie.path))
        if lives and len(held) < _MOST:
            held += (cookie,)
    return held


def _parsed(line: str, url: URL, now: float) -> tuple[Cookie, bool] | None:
    """The cookie, and whether it lives or is to be forgotten; None where the line is none or speaks for another host."""
    pair, *attributes = line[:_LONGEST].split(";")
    name, separator, value = (part.strip() for part in pair.partition("="))
    given = {key.strip().lower(): text.strip() for key, _, text in (attribute.partition("=") for attribute in attributes)}
    host = (url.host or "").lower()
    domain = given.get("domain", "").lstrip(".").lower()
    if not separator or not name or (domain and not _below(host, domain)):
        return None
    path = given.get("path", "")
    path = path if path.startswith("/") else url.path.rpartition("/")[0] or "/"
    return Cookie(name, value, domain or host, path, bool(domain), "secure" in given), not _ended(given, now)


def _ended(given: dict[str, str], now: float) -> bool:
    age = given.get("max-age", "")
    if age.removeprefix("-").isascii() and age.removeprefix("-").isdigit():
        return age.startswith("-") or age.strip("0") == ""
    try:
        return "expires" in given and parsedate_to_datetime(given["expires"].replace("-", " ")).timestamp() <= now
    except (ValueError, OverflowError):
        return False


def _belongs(cookie: Cookie, url: URL) -> bool:
    host = (url.host or "").lower()
    if not (host == cookie.domain or (cookie.below and _below(host, cookie.domain))) or (cookie.secure and url.scheme != "https"):
        return False
    path = url.path or "/"
    return path == cookie.path or (path.startswith(cookie.path) and (cookie.path.endswith("/") or path[len(cookie.path)] == "/"))


def _below(host: str, domain: str) -> bool:
    """Whether the host is the domain or lies below it; an address lies below nothing."""
    return host == domain or (host.endswith(f".{domain}") and not host.replace(".", "").isdigit())
