"""Tokens: kept as digests, in a file of their owner's, changed by several at once without loss."""

import asyncio
import json
import stat
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepwell.api.offer import commands
from keepwell.api.tokens import PREFIX, Token, TokenFile, digest_of, find, format_tokens, parse_tokens
from keepwell.kernel.problems import NotFound, StorageError, UsageError
from keepwell.ports.offer import Call

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TEXT = st.text(min_size=1, max_size=20)


@given(st.lists(st.builds(Token, TEXT, st.just("0" * 64), st.frozensets(TEXT), st.datetimes(timezones=st.just(UTC)))))
def test_what_is_written_is_read(tokens: list[Token]) -> None:
    assert parse_tokens(format_tokens(tokens)) == tuple(tokens)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{}",
        '{"format": 2, "tokens": []}',
        '{"format": 1}',
        '{"format": 1, "tokens": [1]}',
        '{"format": 1, "tokens": [{"name": "a", "sha256": "short", "permissions": [], "created": "2026-11-20T12:00:00+00:00"}]}',
        '{"format": 1, "tokens": [{"name": "a", "sha256": "' + "0" * 64 + '", "permissions": [], "created": "2026-11-20T12:00:00"}]}',
        "[" * 100_000,
    ],
)
def test_a_damaged_file_is_said_to_be_so(text: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_tokens(text)
    (tmp_path / "tokens.json").write_text(text)
    with pytest.raises(StorageError, match=r"tokens\.json cannot be used"):
        TokenFile(tmp_path).find("kw_x")


def test_a_token_is_found_by_its_text_alone(tmp_path: Path) -> None:
    file = TokenFile(tmp_path)
    assert file.list() == ()
    text = file.create("deploy", frozenset({"reload"}), NOW)
    other = file.create("other", frozenset({"*"}), NOW)
    assert text.startswith(PREFIX)
    assert text != other
    found = file.find(text)
    assert found == Token("deploy", digest_of(text), frozenset({"reload"}), NOW)
    for wrong in ("", text[:-1], text + "x", text.upper(), digest_of(text)):
        assert file.find(wrong) is None
    stored = (tmp_path / "tokens.json").read_text()
    assert text not in stored
    assert text[len(PREFIX) :] not in stored
    assert find([], text) is None


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    TokenFile(tmp_path).create("a", frozenset(), NOW)
    for name in ("tokens.json", "tokens.lock"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_a_name_is_given_once_and_can_be_revoked(tmp_path: Path) -> None:
    file = TokenFile(tmp_path)
    text = file.create("a", frozenset({"*"}), NOW)
    with pytest.raises(UsageError, match="already"):
        file.create("a", frozenset({"*"}), NOW)
    file.revoke("a")
    assert file.find(text) is None
    with pytest.raises(NotFound):
        file.revoke("a")


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "\x1b[31m", "\u202e"])
def test_a_name_must_be_readable(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        TokenFile(tmp_path).create(name, frozenset(), NOW)


def test_changes_at_once_lose_nothing(tmp_path: Path) -> None:
    threads = [threading.Thread(target=TokenFile(tmp_path).create, args=(f"t{number}", frozenset({"*"}), NOW)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {token.name for token in TokenFile(tmp_path).list()} == {f"t{number}" for number in range(16)}


class Spoken:
    """Keeps what a command says."""

    wants_json = True

    def __init__(self) -> None:
        self.values: list[Any] = []
        self.lines: list[str] = []

    def say(self, text: str = "", *, style: str = "") -> None:
        self.lines.append(text)

    def table(self, columns: Any, rows: Any, *, styles: Any = ()) -> None:
        self.lines += [" ".join(row) for row in rows]

    def data(self, value: Any) -> None:
        self.values.append(json.loads(json.dumps(value)))


def run(tmp_path: Path, action: str, name: str | None = None, permission: list[str] | None = None) -> Spoken:
    spoken = Spoken()
    (command,) = commands(lambda data: Path(data or tmp_path))
    call = Call({"action": action, "name": name, "permission": permission, "data": None}, spoken)  # type: ignore[arg-type]
    assert asyncio.run(command.run(call)) == 0  # type: ignore[arg-type]
    return spoken


def test_the_commands(tmp_path: Path) -> None:
    assert run(tmp_path, "list").values == [[]]
    made = run(tmp_path, "create", "deploy", ["a", "b"]).values[0]
    assert made["permissions"] == ["a", "b"]
    assert TokenFile(tmp_path).find(made["token"]) is not None
    assert run(tmp_path, "create", "all").values[0]["permissions"] == ["*"]
    listed = run(tmp_path, "list")
    assert [entry["name"] for entry in listed.values[0]] == ["deploy", "all"]
    assert made["token"] not in json.dumps(listed.values) + "".join(listed.lines)
    run(tmp_path, "revoke", "deploy")
    assert TokenFile(tmp_path).find(made["token"]) is None
    with pytest.raises(UsageError, match="needs a name"):
        run(tmp_path, "create")
