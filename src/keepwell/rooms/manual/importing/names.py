"""Names for what is written: small letters, digits and hyphens, each once in its place. Pure."""

import re
import unicodedata
from collections.abc import Container

from keepwell.rooms.manual.lint.redact import without_secrets

_LONGEST = 50
_NUMBERING = re.compile(r"^\s*(?:\d+(?:\.\d+)*[.)]?\s+)+")


def slug(text: str) -> str:
    """The text as a name: small letters, digits and hyphens, at most fifty; empty where nothing is left. ``1.1 Log Management`` gives
    ``log-management``."""
    plain = unicodedata.normalize("NFKD", _NUMBERING.sub("", without_secrets(text))).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "-", plain.lower().replace("'", "")).strip("-")
    return words if len(words) <= _LONGEST else words[:_LONGEST].rpartition("-")[0] or words[:_LONGEST]


def unused(wanted: str, taken: Container[str]) -> str:
    """The name, with a number behind it where it is taken."""
    if wanted not in taken:
        return wanted
    number = 2
    while f"{wanted}-{number}" in taken:
        number += 1
    return f"{wanted}-{number}"
