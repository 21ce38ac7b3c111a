"""What a value that somebody fills in must look like. Pure.

A value of these forms is a single harmless word to a shell too (only ``text`` may hold more, and is never put into a script's text).
"""

import re

from keepwell.kernel.comparisons import parse_comparison

LONGEST = 1000
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[?[0-9A-Fa-f:]*:[0-9A-Fa-f:.]+\]?)"
DOMAIN = "domain"
"""The form of a host name that names of other hosts are built with: no address."""
_FORMS = {
    DOMAIN: (
        rf"(?:{_LABEL}\.)*(?![0-9]+\Z){_LABEL}",
        "a host name, since the manual writes others in front of it, without https:// and without a port: shop.internal",
    ),
    "host": (_HOST, "a host name or an address, without https:// and without a port: shop.internal"),
    "url": (
        rf"[a-z][a-z0-9+.-]*://(?:[A-Za-z0-9._~%-]+@)?{_HOST}(?::\d{{1,5}})?(?:[/?#][A-Za-z0-9._~:/?#@!,=%+-]*)?",
        "an address with its scheme: https://shop.internal/health",
    ),
    "word": (r"[A-Za-z0-9_./@:%+=,][A-Za-z0-9_./@:%+=,-]*", "one word of letters, digits and . _ - / : @ % + = ,"),
    "path": (r"(?:~?/|\./)?[A-Za-z0-9_.@+%][A-Za-z0-9_./@+%=-]*|/", "a path, without spaces and without ..: /srv/shop/data"),
    "email": (rf"[A-Za-z0-9._%+-]+@{_HOST}", "a mail address: oncall@shop.internal"),
    "limit": (r"[<>=!].*", "a comparison: > 80%, < 30d, > 100ms or >= 5"),
    "text": (r".+", "one line of text"),
}
_REFERENCE = re.compile(r"secret:(?:[A-Za-z_][A-Za-z0-9_]*|file:/[^\x00-\x1f\x7f]+)")


def fault(form: str, value: str) -> str:
    """What is wrong with a value of this form, as a sentence; empty where nothing is. Forms that nobody knows are text."""
    pattern, wanted = _FORMS.get(form, _FORMS["text"])
    if not value.strip():
        return "nothing is written"
    if len(value) > LONGEST:
        return f"it is longer than {LONGEST} characters"
    if not value.isprintable():
        return "it holds a control character"
    if not re.fullmatch(pattern, value) or (form == "limit" and not _is_limit(value)):
        return f"expected {wanted}"
    if form == "path" and ".." in value.split("/"):
        return f"expected {wanted}"
    return ""


def _is_limit(text: str) -> bool:
    try:
        parse_comparison(text)
    except ValueError:
        return False
    return True


def is_reference(value: str) -> bool:
    """Whether it says where a secret is, and is none: ``secret:NAME`` or ``secret:file:/absolute/path``."""
    return _REFERENCE.fullmatch(value) is not None
