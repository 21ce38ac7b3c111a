"""PostgreSQL's binary values as plain Python ones, and named parameters as numbered ones."""

import math
import re
import struct
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

Load = Callable[[bytes], Any]

_PARAMETER = re.compile(r"%%|%\(([a-z_][a-z0-9_]*)\)s")


def _text(data: bytes) -> str:
    return data.decode(errors="replace")


# Numbers of types: pg_type.dat of the server's sources; they never change.
LOADERS: Mapping[int, Load] = {
    16: lambda data: data != b"\0",  # bool
    18: _text,  # "char"
    19: _text,  # name
    20: lambda data: int(struct.unpack("!q", data)[0]),  # int8
    21: lambda data: int(struct.unpack("!h", data)[0]),  # int2
    23: lambda data: int(struct.unpack("!i", data)[0]),  # int4
    25: _text,  # text
    26: lambda data: int(struct.unpack("!I", data)[0]),  # oid
    114: _text,  # json
    700: lambda data: float(struct.unpack("!f", data)[0]),  # float4
    701: lambda data: float(struct.unpack("!d", data)[0]),  # float8
    705: _text,  # unknown
    1042: _text,  # char(n)
    1043: _text,  # varchar
    3802: lambda data: _text(data[1:]),  # jsonb, after its version
}


def plain(value: Any) -> Any:
    """What a library's loader gave, as a number, text, truth, None, bytes or aware datetime."""
    match value:
        case None | bool() | int() | float() | str() | bytes():
            return value
        case Decimal():
            return int(value) if value.is_finite() and value == value.to_integral_value() and abs(value) < 10**18 else _float(value)
        case datetime():
            return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        case timedelta():
            return value.total_seconds()
        case date() | time():
            return value.isoformat()
        case UUID():
            return str(value)
        case bytearray() | memoryview():
            return bytes(value)
        case _:
            return str(value)[:1000]


def _float(value: Decimal) -> float:
    return math.nan if value.is_nan() else float(value)


def numbered(text: str, parameters: Mapping[str, Any]) -> tuple[str, list[bytes | None]]:
    """``%(name)s`` as ``$1`` with the values in order, in PostgreSQL's text form. Without parameters the text stays as it is."""
    if not parameters:
        return text, []
    order: list[str] = []

    def number(match: re.Match[str]) -> str:
        name = match[1]
        if name is None:
            return "%"
        if name not in order:
            order.append(name)
        return f"${order.index(name) + 1}"

    replaced = _PARAMETER.sub(number, text)
    return replaced, [_parameter(parameters[name]) for name in order]


def _parameter(value: Any) -> bytes | None:
    if value is None:
        return None
    if isinstance(value, list | tuple):
        # An array's literal: PostgreSQL manual, 8.15.6 "Array Input and Output Syntax".
        inner = ",".join('"' + str(one).replace("\\", "\\\\").replace('"', '\\"') + '"' for one in value)
        return f"{{{inner}}}".encode()
    return str(value).lower().encode() if isinstance(value, bool) else str(value).encode()
