"""What can be the name of a header, of a value and of a step; and ``{{NAME}}``, the place of a value that an earlier step kept."""

import re
from collections.abc import Callable, Mapping

TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110 section 5.6.2
VALUE_NAME = re.compile(r"[a-z][a-z0-9_]*")
PHASES = ("dns_seconds", "connect_seconds", "tls_seconds", "first_byte_seconds", "duration_seconds", "status_code", "body_bytes")
"""What is measured of every response."""
MEASURED = (*PHASES, "certificate_days_left")
_PLACE = re.compile(r"\{\{ ?([a-z][a-z0-9_]*) ?\}\}")


def places(text: str) -> list[str]:
    """The names of the kept values for which there are places in a text, in order."""
    return _PLACE.findall(text)


def filled(text: str, kept: Mapping[str, str], form: Callable[[str], str] = str) -> str:
    """The text with each place filled; ``form`` gives a value the form in which it may stand there."""
    return _PLACE.sub(lambda match: form(kept[match[1]]), text)
