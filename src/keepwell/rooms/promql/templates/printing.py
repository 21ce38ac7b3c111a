"""Values as Go's package fmt writes them: ``%v`` and the other verbs of ``printf``."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from keepwell.rooms.promql.literals import general

from .model import Found, TemplateError

WIDEST = 1000
"""Columns and digits that a verb may ask for."""

_VERB = re.compile(r"%(?P<flags>[-+# 0]*)(?P<width>\d*)(?:\.(?P<precision>\d*))?(?P<verb>.)", re.DOTALL)


def shown(value: Any) -> str:
    """A value as ``%v`` writes it."""
    if value is None:
        return "<no value>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return general(value)
    if isinstance(value, Mapping):
        return f"map[{' '.join(f'{shown(key)}:{shown(value[key])}' for key in sorted(value))}]"
    if isinstance(value, Found):
        return f"{{{shown(value.labels)} {shown(value.value)}}}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{' '.join(shown(one) for one in value)}]"
    return str(value)


def type_name(value: Any) -> str:
    """What Go calls the type."""
    names = {bool: "bool", int: "int", float: "float64", str: "string"}
    return names.get(type(value), "map[string]string" if isinstance(value, Mapping) else "interface {}")


def printed(values: Sequence[Any]) -> str:
    """``print``: with spaces between operands of which neither is text."""
    parts = []
    for number, value in enumerate(values):
        if number and not isinstance(value, str) and not isinstance(values[number - 1], str):
            parts.append(" ")
        parts.append(shown(value))
    return "".join(parts)


def formatted(pattern: str, values: Sequence[Any]) -> str:
    """``printf``. What does not fit is written into the text, as Go does: ``%!d(string=five)``."""
    waiting = list(values)

    def one(match: re.Match[str]) -> str:
        if match["verb"] == "%":
            return "%"
        if not waiting:
            return f"%!{match['verb']}(MISSING)"
        return _one(match, waiting.pop(0))

    text = _VERB.sub(one, pattern)
    if waiting:
        text += "%!(EXTRA " + ", ".join(f"{type_name(value)}={shown(value)}" for value in waiting) + ")"
    return text


def _one(match: re.Match[str], value: Any) -> str:
    flags, verb = match["flags"], match["verb"]
    width = int(match["width"] or 0)
    precision = None if match["precision"] is None else int(match["precision"] or 0)
    if max(width, precision or 0) > WIDEST:
        raise TemplateError(f"a width or precision of more than {WIDEST}")
    text = _body(verb, value, precision, flags)
    if text is None:
        return f"%!{verb}({type_name(value)}={shown(value)})"
    if len(text) >= width:
        return text
    if "-" in flags:
        return text.ljust(width)
    if "0" in flags and not (isinstance(value, float) and not math.isfinite(value)):
        return text[:1] + text[1:].rjust(width - 1, "0") if text[:1] in ("+", "-") else text.rjust(width, "0")
    return text.rjust(width)


def _body(verb: str, value: Any, precision: int | None, flags: str) -> str | None:
    if verb == "v":
        verb = "g" if isinstance(value, float) else "d" if type(value) is int else verb
    if verb == "t":
        return shown(value) if isinstance(value, bool) else None
    if isinstance(value, float):
        return _float(verb, value, precision, flags)
    if type(value) is int:
        return _whole(verb, value, precision, flags)
    if verb in "sv" or (verb in "qxX" and isinstance(value, str)):
        return _text(verb, shown(value), precision) if verb == "v" or not isinstance(value, bool) else None
    return None


def _text(verb: str, text: str, precision: int | None) -> str:
    text = text if precision is None else text[:precision]
    if verb == "q":
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t") + '"'
    if verb in "xX":
        return text.encode().hex() if verb == "x" else text.encode().hex().upper()
    return text


def _whole(verb: str, value: int, precision: int | None, flags: str) -> str | None:
    forms = {"d": "d", "x": "x", "X": "X", "o": "o", "b": "b"}
    if verb == "c":
        return chr(value) if 0 <= value < 0x110000 else "\ufffd"
    if verb not in forms:
        return None
    digits = format(abs(value), forms[verb]).rjust(precision or 0, "0")
    digits = f"0{verb}{digits}" if "#" in flags and verb in "xX" else digits
    return _signed(digits, value < 0, flags)


def _float(verb: str, value: float, precision: int | None, flags: str) -> str | None:
    if verb not in "feEgGF":
        return None
    if not math.isfinite(value):
        text = "NaN" if math.isnan(value) else "Inf"
        return ("-" if value < 0 else "+") + text if value < 0 or "+" in flags or text == "Inf" else text
    if verb in "gG" and precision is None:
        text = general(abs(value))
    elif verb in "gG":
        text = shortened(abs(value), precision or 1)
    else:
        text = format(abs(value), f".{6 if precision is None else precision}{verb}")
    return _signed(text.upper() if verb == "G" else text, math.copysign(1, value) < 0, flags)


def _signed(digits: str, is_negative: bool, flags: str) -> str:
    if is_negative:
        return "-" + digits
    return "+" + digits if "+" in flags else " " + digits if " " in flags else digits


def shortened(value: float, digits: int) -> str:
    """``%.4g``: at most so many digits, none of them an ending zero, with an exponent from there on and below 1e-04."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return format(value, f".{digits}g")
