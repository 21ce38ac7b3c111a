"""Every kind of receiver against data files: tests/cases/alerts/KIND/*.yaml, each a list of cases.

A case has ``options`` as keepwell.yaml would hold them, and either ``refused`` (part of the message that validation gives), or ``sends``
(what is sent of the notice: those keys are compared), or ``reply`` with the ``outcome``. ``notice`` changes the usual one.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from keepwell.config.meanings import meanings
from keepwell.ports.http import Json, Phases, Request, Response
from keepwell.ports.mail import Mail, MailAnswer, MailReply, MailServer
from keepwell.rooms.alerts.delivery.model import Apprised, Around, Delivered, Driver, Message, Outcome, Post, Refused, TryLater
from keepwell.rooms.alerts.model import Notice, NoticeAlert
from tests.support import cases_in

FOLDER = Path(__file__).parent / "alerts"
KINDS = tuple(sorted(path.name for path in FOLDER.iterdir() if path.is_dir()))
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
POST = Post(MailServer("mail.example.org"), "keepwell@example.org")
LABELS = {"alertname": "CheckFailed", "severity": "critical", "service": "shop", "check": "health"}


def driver(kind: str) -> Driver[Any]:
    found: Driver[Any] = import_module(f"keepwell.rooms.alerts.receivers.{kind}").DRIVER
    return found


def options_of(kind: str, options: Mapping[str, Any]) -> Any:
    """Validated as the configuration is: in pydantic's JSON mode."""
    return driver(kind).options.model_validate_json(json.dumps(options))


def alert(**given: Any) -> NoticeAlert:
    values: dict[str, Any] = {"number": 7, "fingerprint": "00000000000000a7", "state": "firing", "starts_at": NOW, "generator_url": ""}
    values |= {"labels": LABELS, "annotations": {"summary": "the shop answers 500"}} | given
    if values["state"] == "resolved":
        values.setdefault("ends_at", NOW)
    return NoticeAlert(**values)


def notice(given: Mapping[str, Any]) -> Notice:
    """The usual notice, with what a case changes."""
    alerts = tuple(alert(**one) for one in given.get("alerts", [{}]))
    usual = Notice("0123456789abcdef-7", "team", "{}:{}", {}, alerts, NOW, "a new alert fires", common_labels=LABELS, service="shop")
    return replace(usual, **{key: value for key, value in given.items() if key != "alerts"})


def cases(key: str) -> list[Any]:
    """The cases that hold this key."""
    return [
        pytest.param(kind, case, id=f"{kind}/{file.stem}: {case['case']}")
        for kind in KINDS
        for file in sorted((FOLDER / kind).glob("*.yaml"))
        for case in cases_in(file)
        if key in case
    ]


def message_of(kind: str, case: Mapping[str, Any]) -> Message:
    around = Around("team", POST, frozenset(case.get("served", ())))
    return driver(kind).message(options_of(kind, case["options"]), notice(case.get("notice", {})), around)


def shown(message: Message) -> dict[str, Any]:
    """What is sent as a case writes it."""
    match message:
        case Request():
            body = message.body.document if isinstance(message.body, Json) else json.loads(message.body)  # type: ignore[arg-type]
            given = {"method": message.method, "url": message.url, "headers": dict(message.headers), "secrets": dict(message.secrets)}
            given |= {"body": body, "bearer": message.bearer, "redirects": message.redirects, "timeout": message.timeout}
            given |= {"body_secrets": dict(message.body.secrets) if isinstance(message.body, Json) else {}}
            signature = message.signature
            return given | {"signed": [signature.header, signature.secret, signature.prefix] if signature is not None else None}  # type: ignore[union-attr]
        case Mail():
            given = {"from": message.sender, "to": list(message.to), "subject": message.subject, "text": message.text}
            given |= {"html": message.html, "message_id": message.message_id, "host": message.server.host, "port": message.server.port}
            return given | {"protection": message.server.protection, "user": message.server.user}
        case Apprised():
            return {"address": message.address, "title": message.title, "body": message.body, "level": message.level}
    raise AssertionError(f"no case shows such a message: {message}")


def reply_of(given: Any) -> Any:
    if isinstance(given, bool):
        return given
    if "code" in given:
        refused = {one: MailReply(*why) for one, why in given.get("refused", {}).items()}
        return MailAnswer(MailReply(given["code"], given.get("text", "")), refused)
    body = bytes.fromhex(given["bytes"]) if "bytes" in given else given.get("body", "").encode()
    return Response(given.get("status", 200), given.get("headers", {}), body, Phases(), "https://hooks.example.org/")


def written(outcome: Outcome) -> dict[str, Any]:
    match outcome:
        case Delivered():
            return {"delivered": outcome.note}
        case Refused():
            return {"refused": outcome.why}
        case TryLater():
            given: dict[str, Any] = {"later": outcome.why, "after": outcome.after, "served": sorted(outcome.served)}
            return {key: value for key, value in given.items() if value not in (None, [])}


@pytest.mark.parametrize(("kind", "case"), cases("sends"))
def test_what_is_sent(kind: str, case: Mapping[str, Any]) -> None:
    found = shown(message_of(kind, case))
    assert {key: found[key] for key in case["sends"]} == case["sends"]


@pytest.mark.parametrize(("kind", "case"), cases("outcome"))
def test_what_a_reply_means(kind: str, case: Mapping[str, Any]) -> None:
    assert written(driver(kind).understand(message_of(kind, case), reply_of(case["reply"]))) == case["outcome"]


@pytest.mark.parametrize(("kind", "case"), cases("refused"))
def test_options_that_are_refused(kind: str, case: Mapping[str, Any]) -> None:
    with pytest.raises(ValidationError) as raised:
        options_of(kind, case["options"])
    assert case["refused"] in "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in raised.value.errors())


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_described_and_has_its_cases(kind: str) -> None:
    exported = driver(kind)
    assert exported.summary
    assert exported.example
    assert set(meanings(exported.options)) == {info.alias or name for name, info in exported.options.model_fields.items()}
    assert {"options", "replies", "sent"} <= {file.stem for file in (FOLDER / kind).glob("*.yaml")}
    outcomes = {next(iter(param.values[1]["outcome"])) for param in cases("outcome") if param.values[0] == kind}  # type: ignore[call-overload]
    assert {"delivered", "later"} <= outcomes


USUAL = {
    "webhook": {"url": "https://hooks.example.org/"},
    "slack": {"url": "secret:SLACK"},
    "email": {"to": "ops@example.org"},
    "ntfy": {"topic": "alerts"},
    "apprise": {"url": "secret:APPRISE"},
}
ANY = st.text(max_size=400)


@pytest.mark.parametrize("kind", KINDS)
@given(name=ANY, value=ANY, summary=ANY, address=ANY)
def test_any_text_can_be_told(kind: str, name: str, value: str, summary: str, address: str) -> None:
    annotations = {"summary": summary, "description": summary + "\n" + value, "runbook_url": address}
    strange = {"alerts": [{"labels": {**LABELS, name: value}, "annotations": annotations, "generator_url": address}], "reason": summary}
    message = message_of(kind, {"options": USUAL[kind], "notice": strange})
    if isinstance(message, Mail):
        assert "\n" not in message.subject
        message.html.encode()
        message.text.encode()
    else:
        json.dumps(shown(message))


@pytest.mark.parametrize("kind", KINDS)
@given(body=st.binary(max_size=300), header=ANY, status=st.integers(100, 599))
def test_any_reply_has_an_outcome(kind: str, body: bytes, header: str, status: int) -> None:
    if kind in ("email", "apprise"):
        return
    reply = Response(status, {"Retry-After": header, "Date": header}, body, Phases(), "https://hooks.example.org/")
    outcome = driver(kind).understand(message_of(kind, {"options": USUAL[kind]}), reply)
    assert isinstance(outcome, Delivered) <= (200 <= status < 300)
