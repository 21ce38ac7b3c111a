"""What is printed about a manual holds none of its secrets, and still names the variables that hold them."""

import time

import pytest

from keepwell.rooms.manual.lint.redact import without_secrets


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("curl -u admin:made-up http://h/", "curl -u admin:[redacted] http://h/"),
        ("redis-cli -h c -a made-up ping", "redis-cli -h c -a [redacted] ping"),
        ("mysqldump -u root -pmade-up shop", "mysqldump -u root -p[redacted] shop"),
        ("secret_key = made-up", "secret_key = [redacted]"),
        ("psql postgresql://u:made-up@db/x", "psql postgresql://u:[redacted]@db/x"),
        ("KEY=AKIAQ7ZMADEUPVALUE42", "KEY=[redacted]"),
        ("X=eyJhbGciOiJub25lIn0.bWFkZS11cA.c2ln", "X=[redacted]"),
        ("PGPASSWORD=made-up psql -p 5432", "PGPASSWORD=[redacted] psql -p 5432"),
    ],
)
def test_a_secret_is_redacted(text: str, shown: str) -> None:
    assert without_secrets(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        'curl -H "Authorization: Bearer $API_TOKEN" http://h/',
        "PGPASSWORD=$DB_PASSWORD psql -h db",
        "curl -u $USER:${PASSWORD} http://h/",
        "token: <token>",
        "redis-cli -u redis://cache:6379 ping",
        "docker run -u 1000:1000 shop",
        "curl http://127.0.0.1:9/health?a=b",
        "df -h /",
        "password: secret:file:/etc/shop/password",
    ],
)
def test_what_only_names_a_secret_stays(text: str) -> None:
    assert without_secrets(text) == text


def test_a_secret_beside_a_variable_is_redacted_alone() -> None:
    assert without_secrets("password=$PW token=made-up secret_key=$K") == "password=$PW token=[redacted] secret_key=$K"


@pytest.mark.parametrize("text", ["password=" * 50_000, "redis-cli " * 50_000, "-u a:" * 50_000, "eyJaaaaa" * 50_000, "x=:@" * 100_000])
def test_hostile_text_takes_no_longer_than_its_size(text: str) -> None:
    started = time.process_time()
    without_secrets(text)
    assert time.process_time() - started < 2
