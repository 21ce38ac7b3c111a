"""Redaction: known secrets in every form in which they leak, shapes that hold secrets, and that both take time in proportion."""

import base64
import json
import time
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepwell.kernel.redaction import REDACTED, Redactor, redact_patterns

SECRET = 'p/w "ü\\&=%'


@pytest.mark.parametrize(
    "leaked",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
    ],
)
def test_a_secret_is_found_in_every_form(leaked: str) -> None:
    assert Redactor([SECRET]).redact(f"before {leaked} after") == f"before {REDACTED} after"


@pytest.mark.parametrize("lead", ["", "u", "us", "user:"])
def test_a_secret_inside_a_longer_base64_is_found(lead: str) -> None:
    secret = "correct horse battery"
    encoded = base64.b64encode(f"{lead}{secret}!".encode()).decode()
    redacted = Redactor([secret]).redact(encoded)
    assert REDACTED in redacted
    left = redacted.split(REDACTED)
    assert sum(len(part) for part in left) <= len(lead) * 4 // 3 + 8  # what belongs to the rest, and at most the characters at the seams


def test_the_longest_goes_first_and_overlaps_leave_nothing() -> None:
    assert Redactor(["hunter", "hunter22"]).redact("a hunter22 b hunter c") == f"a {REDACTED} b {REDACTED} c"
    assert Redactor(["abcdef", "defghi"]).redact("xabcdefghiy") == f"x{REDACTED}y"
    assert Redactor(["aaaa"]).redact("aaaaaa") == REDACTED


def test_a_short_secret_goes_only_as_a_whole_word() -> None:
    assert Redactor(["ab"]).redact("ab cab abc a-ab. ab") == f"{REDACTED} cab abc a-{REDACTED}. {REDACTED}"


def test_a_secret_from_a_file_is_found_without_its_line_break_and_line_by_line() -> None:
    redactor = Redactor(["first-line\nsecond-line\n"])
    assert redactor.redact("got first-line\nsecond-line.") == f"got {REDACTED}."
    assert redactor.redact("only second-line.") == f"only {REDACTED}."


def test_nothing_to_hide_changes_nothing() -> None:
    assert Redactor().redact("text") == "text"
    assert Redactor(["", " ", "\n"]).redact("a b\nc") == "a b\nc"


def test_a_redactor_does_not_show_its_secrets() -> None:
    assert "hunter22" not in repr(Redactor(["hunter22"]))
    assert "hunter22" not in str(Redactor(["hunter22"]))


@given(st.text(), st.lists(st.text(min_size=4), max_size=4), st.text())
def test_no_secret_survives(before: str, secrets: list[str], after: str) -> None:
    text = before + "".join(secrets) + after
    redacted = Redactor(secrets).redact(text)
    for secret in secrets:
        if secret.strip() and secret not in REDACTED:
            assert all(secret not in part for part in redacted.split(REDACTED))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Authorization: Bearer abc.def", "Authorization: Bearer [redacted]"),
        ('curl -H "Authorization: Basic dTpw" http://x', 'curl -H "Authorization: Basic [redacted]" http://x'),
        ('{"authorization": "Bearer x", "a": 1}', '{"authorization": "Bearer [redacted]", "a": 1}'),
        ('Proxy-Authorization: Digest username="u", response="r"\nHost: h', "Proxy-Authorization: Digest [redacted]\nHost: h"),
        ("authorization: raw-key", "authorization: [redacted]"),
        ("Set-Cookie: session=abc; Path=/", "Set-Cookie: [redacted]"),
        ("PGPASSWORD=hunter2 psql -h db", "PGPASSWORD=[redacted] psql -h db"),
        ("password: 'two words' rest", "password: '[redacted]' rest"),
        ('{"password":"a\\"b","user":"u"}', '{"password":"[redacted]","user":"u"}'),
        ("mysql --password hunter2 -u x", "mysql --password [redacted] -u x"),
        ("https://h/?token=abc&page=1", "https://h/?token=[redacted]&page=1"),
        ("X-Api-Key: abc", "X-Api-Key: [redacted]"),
        ("postgres://user:p@ss@db:5432/x", "postgres://user:[redacted]@db:5432/x"),
        ("redis://:pw@h:6379/0", "redis://:[redacted]@h:6379/0"),
        (
            "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\nok",
            "-----BEGIN PRIVATE KEY-----[redacted]-----END PRIVATE KEY-----\nok",
        ),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE and then cut", "-----BEGIN RSA PRIVATE KEY-----[redacted]"),
    ],
)
def test_known_shapes_are_emptied(text: str, expected: str) -> None:
    assert redact_patterns(text) == expected
    assert redact_patterns(expected) == expected


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org:8080/a@b",
        "secret:SLACK_URL",
        "secret:file:/run/secrets/db",
        "the password is wrong",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "user@example.org",
        "tokens are cheap",
    ],
)
def test_what_holds_no_secret_stays(text: str) -> None:
    assert redact_patterns(text) == text


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "password",
        "password=",
        'password="',
        'password="\\',
        "authorization:",
        "authorization: digest ",
        "cookie:",
        "://",
        "://a:",
        "://a:b@",
        "a:b@",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN ",
        "--password ",
        " ",
    ],
)
def test_a_megabyte_of_near_hits_takes_no_long_time(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    start = time.process_time()
    redact_patterns(text)
    Redactor(["hunter22", "correct horse"]).redact(text)
    assert time.process_time() - start < 3  # about 0.1 s here; a quadratic one would take hours


@pytest.mark.parametrize(
    "token",
    [
        "AKIA" + "Q7ZM" * 4,
        "ghp_" + "a1B2" * 9,
        "glpat-" + "x" * 20,
        "xoxb-" + "1234567890-abc",
        "sk_" + "live_" + "a" * 16,
        "AIza" + "S" * 35,
    ],
)
def test_a_token_that_is_known_by_its_form_is_replaced_wherever_it_stands(token: str) -> None:
    assert redact_patterns(f"export ID={token}; echo {token}") == "export ID=[redacted]; echo [redacted]"
    assert redact_patterns(f"{token}x-longer-word") != "[redacted]x-longer-word"


def test_the_secret_part_of_a_slack_webhook_is_replaced() -> None:
    address = "https://hooks.slack.com/services/" + "T0000000A/B0000000B/" + "c" * 24
    assert redact_patterns(f"POST {address} failed") == "POST https://hooks.slack.com/services/[redacted] failed"
