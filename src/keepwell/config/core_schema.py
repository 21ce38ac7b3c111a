"""What an unquoted scalar means under YAML 1.2's core schema (YAML 1.2.2, section 10.3.2, "Tag Resolution").

So ``on``, ``off``, ``yes``, ``no``, ``1:30``, ``1_000`` and ``2026-01-01`` are text, ``0o17`` is 15 and ``017`` is 17.
"""

import re

from .nodes import Plain

_WORDS: dict[str, Plain] = {"": None, "~": None}
_WORDS |= dict.fromkeys(("null", "Null", "NULL"))
_WORDS |= dict.fromkeys(("true", "True", "TRUE"), True) | dict.fromkeys(("false", "False", "FALSE"), False)
_WORDS |= dict.fromkeys((f"{sign}.{name}" for sign in ("", "+") for name in ("inf", "Inf", "INF")), float("inf"))
_WORDS |= dict.fromkeys((f"-.{name}" for name in ("inf", "Inf", "INF")), float("-inf"))
_WORDS |= dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan"))

_NUMBER_STARTS = frozenset("0123456789+-.")
_INTEGER = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_LONGEST_NUMBER = 100


def resolve(text: str) -> Plain:
    """The value of an unquoted scalar. Digits beyond 100 characters stay text: no number of a configuration is that long."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_STARTS or len(text) > _LONGEST_NUMBER:
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text
