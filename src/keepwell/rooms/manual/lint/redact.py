"""Keeps the secrets of a manual out of what is printed about it: findings, reports, configurations. Pure."""

import re

from keepwell.kernel.redaction import REDACTED, redact_patterns

from .rules.secret_words import KNOWN_TOKEN

# Passwords behind options of clients; the lengths are bounded so that hostile text takes no longer than its size.
_SHAPES = (
    re.compile(r"(secret[_-]?key(?:[_-]?base)?[\"']?[ \t]{0,8}[=:][ \t]{0,8}[\"']?)[^\s\"']+", re.IGNORECASE),
    re.compile(r"((?<![\w-])(?:-u|--user)[ =]?[\"']?[^\s:\"']{1,100}:)(?!//|\d+(?!\S))[^\s\"']+"),
    re.compile(r"(\bredis-cli\b[^\n|;]{0,200}? (?:-a|--pass)[ =][\"']?)[^\s\"']+"),
    re.compile(r"(\b(?:mysql|mysqldump|mysqladmin|mariadb)\b[^\n|;]{0,200}? -p[\"']?)[^\s\"']+"),
)
_MAYBE = re.compile(r"[:=@]|-p|--| -[ua]|AKIA|gh[pousr]_|glpat-|xox|sk_live|AIza|eyJ|slack")
"""Without any of these there is nothing to look for."""
_WEB_TOKEN = re.compile(r"\beyJ[\w-]{5,}\.[\w-]+\.[\w-]*")
"""A JSON Web Token (RFC 7519): its first part is the Base64 of ``{"``."""


_REFERENCE = re.compile(r"\$\{?[A-Za-z_]\w*\}?|<[\w. -]{1,40}>|secret:[\w:./-]+")
"""What names a secret and is none: a variable, a placeholder, our own reference."""


def without_secrets(text: str) -> str:
    """The text with ``[redacted]`` in place of what stands where secrets stand, or is known to be one by its form. Names of variables
    stay."""
    if not _MAYBE.search(text):
        return text
    shown = redact_patterns(text)
    for shape in _SHAPES:
        shown = shape.sub(rf"\1{REDACTED}", shown)
    shown = _WEB_TOKEN.sub(REDACTED, shown)
    shown = KNOWN_TOKEN.sub(lambda match: match[0] if match[0].startswith("-----BEGIN") else REDACTED, shown)
    return shown if shown == text else _with_references(text, shown)


def _with_references(text: str, shown: str) -> str:
    """The redacted text with those values back that only name a secret. Where it cannot be told what was replaced, nothing comes back."""
    first, *rest = shown.split(REDACTED)
    parts, at = [first], len(first)
    for number, piece in enumerate(rest, 1):
        end = len(text) - len(piece) if number == len(rest) else text.find(piece, at) if piece else -1
        if end < at or not text.startswith(piece, end):
            return shown
        value = text[at:end]
        parts += (value if _REFERENCE.fullmatch(value) else REDACTED, piece)
        at = end + len(piece)
    return "".join(parts)
