"""Literals as Go writes and reads them: strings of the language, and numbers in messages."""

import math
import re
from decimal import Decimal

_ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)", re.DOTALL)
_SINGLE = {b"a": 7, b"b": 8, b"f": 12, b"n": 10, b"r": 13, b"t": 9, b"v": 11}


def unquoted(literal: str) -> str:
    """The text of a string literal. Bytes that are no UTF-8 (``"\\xff"``) become lone surrogates, which ``shown`` writes as they were."""
    body = literal[1:-1]
    if literal[0] == "`":
        return body
    return _ESCAPE.sub(_escaped, body.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")


def _escaped(match: re.Match[bytes]) -> bytes:
    code = match[1]
    if code in _SINGLE:
        return bytes([_SINGLE[code]])
    if code[:1] == b"x":
        return bytes([int(code[1:], 16)])
    if code[:1] in b"uU" and len(code) > 1:
        number = int(code[1:], 16)
        return chr(number if number < 0x110000 else 0xFFFD).encode("utf-8", "surrogatepass")
    if len(code) == 3 and code.isdigit():
        return bytes([int(code, 8) & 0xFF])
    return code


def is_name(text: str) -> bool:
    """Whether the text can name a label: Prometheus 3 takes any UTF-8 but the empty one."""
    return bool(text) and not any(0xD800 <= ord(character) <= 0xDFFF for character in text)


def shown(text: str) -> str:
    """The text for a message: what is no UTF-8 stands as ``\\xff``."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def general(value: float) -> str:
    """A number as Go's ``%g`` and ``%v`` write it: the shortest that is this value, with an exponent from 1e+06 and below 1e-04."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(exponent, int)
    power = len(digits) + exponent - 1
    if value != 0 and not -4 <= power < 6:
        first, rest = str(digits[0]), "".join(map(str, digits[1:]))
        return f"{'-' * sign}{first}{'.' + rest if rest else ''}e{power:+03d}"
    return decimal(value)


def decimal(value: float) -> str:
    """The shortest decimal number without an exponent that is this value, as Go's ``strconv.FormatFloat(value, 'f', -1, 64)`` writes it."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = format(Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


_ESCAPED_NAME = re.compile(r"_([0-9a-fA-F]{1,6}_|_)")


def unescaped(name: str) -> str:
    """A label's name that came in a path, where it may be escaped: ``U__`` before it, ``__`` for ``_``, ``_2e_`` for a dot (Prometheus,
    "UTF-8 in Prometheus": values escaping). Anything else stays as it is."""
    if not name.startswith("U__"):
        return name
    body = name[3:]
    if _ESCAPED_NAME.sub("", body).count("_"):
        return name
    return _ESCAPED_NAME.sub(lambda match: "_" if match[1] == "_" else chr(int(match[1][:-1], 16)), body)
