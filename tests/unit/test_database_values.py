"""What PostgreSQL sends as plain values, parameters as PostgreSQL reads them, and libpq's words as faults."""

import errno
import math
import os
import struct
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepwell.kernel.problems import AnswerError, AskError
from keepwell.machine.database_errors import connection_fault
from keepwell.machine.database_values import LOADERS, numbered, plain


@pytest.mark.parametrize(
    ("kind", "data", "value"),
    [
        (16, b"\x01", True),
        (16, b"\x00", False),
        (20, struct.pack("!q", -(2**62)), -(2**62)),
        (21, struct.pack("!h", 7), 7),
        (23, struct.pack("!i", -7), -7),
        (26, struct.pack("!I", 2**32 - 1), 2**32 - 1),
        (25, "größer".encode(), "größer"),
        (25, b"\xff\xfe", "\ufffd\ufffd"),
        (701, struct.pack("!d", 0.25), 0.25),
        (3802, b'\x01{"a": 1}', '{"a": 1}'),
    ],
)
def test_binary_values(kind: int, data: bytes, value: Any) -> None:
    assert LOADERS[kind](data) == value


@pytest.mark.parametrize(
    ("given_value", "value"),
    [
        (Decimal("12"), 12),
        (Decimal("12.5"), 12.5),
        (Decimal("1e30"), 1e30),
        (Decimal("Infinity"), math.inf),
        (timedelta(minutes=2), 120.0),
        (datetime(2026, 11, 22, 12, tzinfo=timezone(timedelta(hours=1))), datetime(2026, 11, 22, 11, tzinfo=UTC)),
        (datetime(2026, 11, 22, 12), datetime(2026, 11, 22, 12, tzinfo=UTC)),  # noqa: DTZ001 (that is what is sent)
        (date(2026, 11, 22), "2026-11-22"),
        (UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        (bytearray(b"x"), b"x"),
        ([1, 2], "[1, 2]"),
        (None, None),
        (True, True),
    ],
)
def test_values_of_other_types(given_value: Any, value: Any) -> None:
    assert plain(given_value) == value
    assert type(plain(given_value)) is type(value)


def test_not_a_number_stays_one() -> None:
    assert math.isnan(plain(Decimal("NaN")))


@given(st.sampled_from(sorted(LOADERS)), st.binary(max_size=40))
def test_any_bytes_are_a_value_or_refused(kind: int, data: bytes) -> None:
    try:
        value = LOADERS[kind](data)
    except (struct.error, ValueError):
        return
    assert isinstance(value, bool | int | float | str)


@pytest.mark.parametrize(
    ("text", "parameters", "numbered_text", "values"),
    [
        ("SELECT '%' LIKE '%%'", {}, "SELECT '%' LIKE '%%'", []),
        ("SELECT %(a)s, %(b)s, %(a)s, 5 %% 2", {"a": 1, "b": None}, "SELECT $1, $2, $1, 5 % 2", [b"1", None]),
        ("SELECT %(names)s", {"names": ("a", 'b"c', "d\\e", "{f}")}, "SELECT $1", [rb'{"a","b\"c","d\\e","{f}"}']),
        ("SELECT %(yes)s", {"yes": True}, "SELECT $1", [b"true"]),
    ],
)
def test_parameters(text: str, parameters: dict[str, Any], numbered_text: str, values: list[bytes | None]) -> None:
    assert numbered(text, parameters) == (numbered_text, values)


START = 'connection to server at "10.0.0.1", port 5432 failed: '


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        (START + "FATAL:  the database system is in recovery mode", AnswerError, "answers and rejects connections: it is recovering"),
        (
            START + "FATAL:  remaining connection slots are reserved for superusers",
            AnswerError,
            "too many connections",
        ),
        (START + 'FATAL:  too many connections for role "shop"', AnswerError, "too many connections"),
        (START + 'FATAL:  password authentication failed for user "shop"', AnswerError, "the user or the password is wrong"),
        (START + 'FATAL:  Peer authentication failed for user "shop"', AnswerError, "Peer authentication failed"),
        (START + 'FATAL:  database "shop" does not exist', AnswerError, "there is no database db:5432/shop"),
        (START + 'FATAL:  role "shop" is not permitted to log in', AnswerError, "does not let this user in"),
        (START + "FATAL:  la autentificación falló", AnswerError, 'does not let us in: "la autentificación falló"'),
        (START + f"{os.strerror(errno.ECONNREFUSED)}\n\tIs the server running?", AnswerError, "connection refused by db:5432"),
        (START + os.strerror(errno.ENETUNREACH), AskError, "no route to the network of db:5432"),
        (START + "SSL error: certificate verify failed", AnswerError, "the TLS certificate of db:5432 is not accepted"),
        (START + "server does not support SSL, but SSL was required", AnswerError, "db:5432 does not speak TLS"),
        (START + "received invalid response to SSL negotiation: H", AnswerError, "something that is not PostgreSQL"),
        (
            START + "server closed the connection unexpectedly\n\tThis probably means",
            AnswerError,
            "closed the connection without an answer",
        ),
        (START + "something that nobody has seen yet", AnswerError, 'no connection to db:5432/shop: "something that nobody has seen yet"'),
        ('invalid port number: "port"', AskError, "the connection string cannot be used"),
        ("", AskError, "gave no socket"),
    ],
)
def test_why_there_is_no_connection(said: str, kind: type[Exception], words: str) -> None:
    fault = connection_fault("db:5432/shop", "db:5432", said, used_password=False)
    assert words in str(fault)
    assert type(fault) is kind
    assert "\n" not in str(fault)


def test_a_refusal_in_another_language_after_a_password_was_given() -> None:
    fault = connection_fault("db:5432/shop", "db:5432", START + "FATAL:  la autentificación falló", used_password=True)
    assert str(fault) == 'db:5432/shop does not let us in: the user or the password is wrong, or: "la autentificación falló"'


@given(st.text(max_size=300))
def test_whatever_is_said_is_one_sentence(said: str) -> None:
    for text in (said, START + said, START + "FATAL:  " + said):
        assert "\n" not in str(connection_fault("db:5432/shop", "db:5432", text, used_password=True))
