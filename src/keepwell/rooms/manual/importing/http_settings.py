"""What a request needs as an http check beside its address: headers, secrets, and what is expected of the answer. Pure."""

import re
from collections.abc import Iterator
from typing import Any

from keepwell.rooms.manual.reading.shell_model import ShellCommand, Word

from .filled_words import fill
from .http_words import HttpCall
from .jq_conditions import grep_text, json_conditions, status_condition
from .model import Missing, View, Wanting

_SECRET_HEADER = re.compile(r"(?i)(?:proxy-)?authorization|cookie|x-[\w-]*(?:key|token|auth)[\w-]*|api[-_]?key|token")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, section 5.6.2


def has_credentials(call: HttpCall) -> bool:
    return bool(call.user or call.cookie or call.bearer) or any(_SECRET_HEADER.fullmatch(_header(word)[0]) for word in call.headers)


def _header(word: Word) -> tuple[str, str]:
    name, _, value = word.filled.partition(":")
    return name.strip(), value.strip()


def settings_of(view: View, command: ShellCommand, call: HttpCall) -> tuple[dict[str, Any], tuple[Missing, ...], bool]:
    """The check's settings beside its address, what is missing for them, and whether all else is known before it runs."""
    settings: dict[str, Any] = {"method": call.method} if call.method != "GET" else {}
    missing: list[Missing] = []
    static = True
    headers: dict[str, str] = {}
    secrets = {name: wanted for name, wanted in _secrets(view, call)}
    for word in call.headers:
        name, value = _header(word)
        if name in secrets or not value:
            continue
        filled = fill(view, word)
        missing += filled.missing
        value = filled.text.partition(":")[2].strip()
        # A value that looks like a reference to a secret is none, and a check could not tell.
        static = static and filled.static and bool(_TOKEN.fullmatch(name)) and not value.startswith("secret:") and value.isprintable()
        headers[name] = value
    settings |= {"headers": headers} if headers else {}
    if secrets:
        settings["secrets"] = {name: f"secret:{wanted.name}" for name, wanted in secrets.items()}
        missing += [wanted for wanted in secrets.values() if wanted.name not in view.values]
    if call.authority is not None:
        authority = fill(view, call.authority)
        missing += authority.missing
        static = static and authority.static
        settings["authority"] = authority.text
    expected = _expected(view, command, call)
    if call.method == "HEAD" and "webhook" in view.words:
        expected = {"status": ["2xx", 405]}  # it is there, and wants another method (RFC 9110, section 15.5.6)
    settings |= {"expect": expected} if expected else {}
    return settings, tuple(missing), static


def _secrets(view: View, call: HttpCall) -> Iterator[tuple[str, Missing]]:
    """Headers that hold a secret, each with what is to be filled in: the whole value of the header."""
    for word in call.headers:
        name, value = _header(word)
        if _SECRET_HEADER.fullmatch(name):
            yield name, _secret(name, value, word)
    for header, kind, credentials in (
        ("Authorization", "Basic", call.user),
        ("Authorization", "Bearer", call.bearer),
        ("Cookie", "", call.cookie),
    ):
        if credentials is not None:
            yield header, _secret(header, f"{kind} {credentials.filled}".strip(), credentials)


def _secret(header: str, value: str, word: Word) -> Missing:
    scheme = re.match(r"(Bearer|Basic|Token)\s", value)
    variable = next((name for name in word.variables if not name.isdigit()), "")
    name = re.sub(r"\W+", "_", variable or f"API_{header}").upper()
    whole = f' (it begins with "{scheme[1]} ")' if scheme else ""
    written = f"${variable}" if variable else header
    if variable and scheme:
        name += "_HEADER"
    return Missing(name, Wanting.SECRET, written, f"The whole value of the header {header} that this request sends{whole}")


def _expected(view: View, command: ShellCommand, call: HttpCall) -> dict[str, Any]:
    """What the lines around it compare its answer with."""
    if call.method == "HEAD":
        return {}
    expected: dict[str, Any] = {}
    if "http_code" in call.write_out:
        expected |= status_condition(command, view.script)
    for other in command.pipeline[command.position + 1 :]:
        if other.name == "jq":
            expected |= json_conditions(other, view.script)
            return expected
    text = grep_text(command)
    if "http_code" in call.write_out:
        return expected | ({"status": int(text)} if re.fullmatch(r"[1-5]\d\d", text) else {})
    return expected | ({"body": text} if text else {})
