"""``keepwell outbox`` and ``keepwell notify`` beside a running server, and ``notify`` without one."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.serving import keepwell, operations, serving
from tests.support import free_port, wait_until
from tests.webhook_listener import listening

TEXT = """\
keepwell: 1
service: shop
checks:
  health: {{http: {{url: "{target}"}}, every: 1s}}
receivers:
  hook: {{webhook: {{url: "{hook}"}}}}
  other: {{webhook: {{url: "{other}"}}}}
contacts:
  anna: {{name: Anna, phone: "+1 555 0100"}}
  ben: {{name: Ben, receivers: [other]}}
figures:
  error rate: 'sum(rate(http_requests_total[5m]))'
rules:
  - {{alert: ErrorRate, when: "error rate > 10% for 5m", severity: critical, runbook: high-error-rates}}
routes: {{receiver: hook, group_wait: 0s, routes: [{{matchers: ["alertname=ErrorRate"], receiver: other}}]}}
"""


def written(folder: Path, hook: str = "http://127.0.0.1:9/hook", other: str = "http://127.0.0.1:9/other") -> Path:
    target = f"http://127.0.0.1:{free_port()}/"
    return operations(folder, TEXT.format(target=target, hook=hook, other=other))


def asked(*arguments: str, code: int = 0) -> Any:
    """The JSON that a command answers."""
    ended = keepwell(*arguments, "--json")
    assert ended.returncode == code, ended.stdout + ended.stderr
    return json.loads(ended.stdout)


def test_from_a_check_that_fails_to_a_receiver_and_the_outbox_in_between(tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    with listening() as hook:
        hook.status = 500
        with serving(written(tmp_path / "ops", hook.url), tmp_path / "data") as server:
            wait_until(lambda: len(hook.calls) >= 2, 30, "two attempts")
            told = hook.told()[0]
            assert (told["receiver"], told["alerts"][0]["labels"]["check"], told["service"]) == ("hook", "health", "shop")
            waiting = asked("outbox", "list", "--data", data, "--state", "waiting")["notices"]
            first = next(one for one in waiting if one["receiver"] == "hook")
            assert first["error"] == "answered with status 500"
            assert first["tries"] >= 1
            assert first["title"].startswith("[FIRING] shop: critical CheckFailed: ")
            text = keepwell("outbox", "list", "--data", data).stdout
            assert "waiting" in text
            assert "answered with status 500" in text
            assert asked("outbox", "retry", str(first["id"]), "--data", data)["notices"][0]["state"] == "waiting"
            hook.status = 200
            keepwell("outbox", "retry", str(first["id"]), "--data", data)  # says otherwise where it was delivered before this came

            def delivered() -> bool:
                found = asked("outbox", "list", "--data", data, "--state", "delivered")["notices"]
                return any(one["id"] == first["id"] for one in found)

            wait_until(delivered, 30, "its delivery")
            assert keepwell("outbox", "drop", str(first["id"]), "--data", data).returncode == 2
            assert keepwell("outbox", "retry", "4711", "--data", data).returncode == 2
            events = [entry["event"] for entry in asked("journal", "list", "--data", data, "--limit", "100")]
            assert {"notice.retried", "notice.delivered"} <= set(events)
            assert server.stop() == 0


def test_a_notice_survives_the_end_of_the_process(tmp_path: Path) -> None:
    directory = None
    with listening() as hook:
        hook.status = 503
        directory = written(tmp_path / "ops", hook.url)
        with serving(directory, tmp_path / "data") as server:
            wait_until(lambda: len(hook.calls) >= 1, 30, "an attempt")
            server.signal(signal.SIGKILL)
            server.process.wait(10)
        hook.status = 200
        keys = {call.headers["idempotency-key"] for call in hook.calls}
        count = len(hook.calls)
        with serving(directory, tmp_path / "data"):
            wait_until(lambda: len(hook.calls) > count, 30, "another attempt")
            assert hook.calls[count].headers["idempotency-key"] in keys
            assert all(status == "firing" for _, status in hook.alerts())


def test_a_test_goes_through_the_server(tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    with listening() as hook, serving(written(tmp_path / "ops", hook.url), tmp_path / "data"):
        answer = asked("notify", "test", "hook", "--data", data, "--message", "only a test")
        assert [(one["receiver"], one["state"]) for one in answer["receivers"]] == [("hook", "delivered")]
        tests = [message for message in hook.told() if message["test"]]
        assert [one["alerts"][0]["annotations"]["summary"] for one in tests] == ["only a test"]
        assert "there is no receiver nobody" in keepwell("notify", "test", "nobody", "--data", data).stderr


def test_a_test_without_a_server(tmp_path: Path) -> None:
    with listening() as hook:
        other = f"http://127.0.0.1:{free_port()}/"
        directory = str(written(tmp_path / "ops", hook.url, other))
        answer = asked("notify", "test", "--directory", directory, "hook", "contact ben", "contact anna", code=1)
        states = {one["receiver"]: (one["state"], one["error"]) for one in answer["receivers"]}
        assert states["hook"] == ("delivered", "")
        assert states["contact ben"] == ("waiting", f"receiver other: connection refused by {other[7:-1]}")
        assert states["contact anna"][0] == "refused"
        assert "the contact anna cannot be told" in states["contact anna"][1]
        assert [message["test"] for message in hook.told()] == [True]
        text = keepwell("notify", "test", "--directory", directory, "hook")
        assert (text.returncode, text.stdout) == (0, "hook: delivered\n")


@pytest.mark.parametrize(
    ("arguments", "receiver", "name", "state"),
    [
        (["ErrorRate"], "other", "ErrorRate", "firing"),
        (["--check", "health"], "hook", "CheckFailed", "firing"),
        (["--check", "health", "--state", "warn", "--resolved"], "hook", "CheckWarns", "resolved"),
        (["CheckUnknown", "--receiver", "other"], "other", "CheckUnknown", "firing"),
    ],
)
def test_a_preview_is_what_would_be_sent(tmp_path: Path, arguments: list[str], receiver: str, name: str, state: str) -> None:
    answer = asked("notify", "preview", str(written(tmp_path / "ops")), *arguments)
    (one,) = answer["receivers"]
    assert (one["receiver"], one["sent"]["body"]["receiver"]) == (receiver, receiver)
    (alert,) = one["sent"]["body"]["alerts"]
    assert (alert["labels"]["alertname"], alert["labels"]["service"], alert["status"]) == (name, "shop", state)
    assert answer["annotations"]["summary"]


def test_a_preview_of_what_there_is_not(tmp_path: Path) -> None:
    directory = str(written(tmp_path / "ops"))
    rule = keepwell("notify", "preview", directory, "Nothing")
    assert (rule.returncode, rule.stderr) == (
        2,
        "there is no rule Nothing\n  hint: what there is: ErrorRate, CheckFailed, CheckWarns, CheckUnknown; for a check: --check NAME\n",
    )
    assert keepwell("notify", "preview", directory, "--check", "nothing").returncode == 2
    assert keepwell("notify", "preview", directory).returncode == 2


def test_a_secret_that_a_command_fetches_waits_for_acceptance(tmp_path: Path) -> None:
    with listening() as hook:
        text = f"""\
keepwell: 1
service: shop
receivers:
  hook: {{webhook: {{url: "secret:command:echo {hook.url}"}}}}
"""
        directory = str(operations(tmp_path / "ops", text))
        (waiting,) = asked("notify", "test", "--directory", directory, code=1)["receivers"]
        assert waiting["error"].startswith("waiting for acceptance: ")
        assert hook.calls == []
        (accepted,) = asked("accept", directory, "hook", "--yes")["texts"]
        assert (accepted["name"], accepted["accepted"]) == ("receivers/hook", True)
        assert asked("notify", "test", "--directory", directory)["receivers"][0]["state"] == "delivered"


REHEARSED = """\
keepwell: 1
service: shop
receivers:
  hook: {{webhook: {{url: "{hook}"}}}}
contacts:
  anna: {{receivers: [hook]}}
  ben: {{phone: "+1 555 0101"}}
rotas:
  week: {{people: [anna], handover: "Monday 09:00", zone: UTC, starts: 2020-01-06}}
  night: {{people: [ben], handover: "Monday 09:00", zone: UTC, starts: 2999-01-07}}
escalations:
  primary: [{{after: 0m, to: [hook, week]}}, {{after: 15m, to: [night, ben]}}]
"""


def test_everybody_in_an_escalation_is_tried(tmp_path: Path) -> None:
    with listening() as hook:
        directory = str(operations(tmp_path / "ops", REHEARSED.format(hook=hook.url)))
        found = asked("notify", "test", "--directory", directory, "escalation primary", code=1)["receivers"]
        assert [(one["receiver"], one["state"]) for one in found] == [
            ("hook", "delivered"),
            ("contact anna", "delivered"),
            ("contact ben", "refused"),
            ("", "nobody"),
        ]
        assert found[3]["error"].startswith("nobody is on call in night (")
        with serving(Path(directory), tmp_path / "data"):
            through = asked("notify", "test", "escalation primary", "--data", str(tmp_path / "data"), code=1)["receivers"]
        assert [(one["receiver"], one["state"]) for one in through] == [(one["receiver"], one["state"]) for one in found]
        assert "no receiver escalation other" in keepwell("notify", "test", "--directory", directory, "escalation other").stderr
