"""``curl`` and ``wget``: a request that reads becomes an http check; one that sends is a step of a runbook (curl(1), wget(1))."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from keepwell.rooms.manual.importing.filled_words import Filled, fill, is_here, understood_behind, whole
from keepwell.rooms.manual.importing.http_settings import has_credentials, settings_of
from keepwell.rooms.manual.importing.http_words import HttpCall, Place, place_of, read_call
from keepwell.rooms.manual.importing.model import (
    CheckDraft,
    Disposition,
    Draft,
    ExpectDraft,
    Fate,
    Found,
    Missing,
    Recogniser,
    View,
)
from keepwell.rooms.manual.reading.model import Kind
from keepwell.rooms.manual.reading.shell_model import ShellCommand

_STATE = re.compile(
    r"health|status|ready|live|alive|ping|version|info|metric|performance|memory|uptime|actuator|/-/|^/?$|/api/?$|system|stats|monitor"
)
_ALERTMANAGER = re.compile(r"(/api/v[12]/)(alerts|status|silences)(?=$|[/?])")
_USUAL_ALERTS = (("active", "true"), ("silenced", "false"), ("inhibited", "false"), ("unprocessed", "false"))
_MATCHER = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(=~|!~|!=|=)\"?([^\"\\]*)\"?")
_SHELLS = frozenset(("sh", "bash", "zsh", "python", "python3", "sudo"))


def _read(view: View) -> Found | None:
    command = next((command for command in view.pipeline if command.name in ("curl", "wget")), None)
    if command is None:
        return None
    call = read_call(command)
    address = fill(view, *call.addresses[:1])
    understood = call.understood and bool(call.addresses)
    if not call.reads:
        return _sending(view, call, address, understood)
    if _downloads(command, call, address.text):
        runs = any(other.name in _SHELLS for other in command.pipeline)
        return Found(Fate.STEP, ("update",) if runs else ("runbook",), "http.download" if understood and not runs else "")
    return _reading(view, command, call, address)


def _downloads(command: ShellCommand, call: HttpCall, address: str) -> bool:
    """Whether the answer is wanted as a file or as a program rather than looked at."""
    if any(other.name in (*_SHELLS, "tar", "gpg", "apt-key", "dpkg", "gunzip", "unzip") for other in command.pipeline[1:]):
        return True
    if call.saved_as in ("", "/dev/null", "-") or call.write_out:
        return False
    return not _STATE.search(place_of(address).path.lower())


# --- requests that change something


def _sending(view: View, call: HttpCall, address: Filled, understood: bool) -> Found:
    words = [*call.headers, *call.body, *((call.user,) if call.user else ())]
    filled = fill(view, *call.addresses[:1], *words)
    return Found(
        Fate.STEP,
        _purpose(view, call, address.text.lower()),
        f"http.{call.method.lower()}" if understood and call.method.isalpha() else "",
        disposition=Disposition.MISSING if filled.missing else Disposition.CARRIED,
        missing=filled.missing,
    )


def _purpose(view: View, call: HttpCall, address: str) -> tuple[str, ...]:
    """What a request that sends is for."""
    text = f"{view.words} {address}"
    body = " ".join(word.filled for word in call.body).lower()
    if re.search(
        r"hooks?\.slack|discord|telegram|pagerduty|opsgenie|mattermost|office\.com/webhook|(?:alert|slack|notif)\w*_?(?:webhook|url)",
        address,
    ):
        return ("notify",)
    if re.search(r"test[-_/ ]?alert|alert[-_/ ]?test|test notification", address) or re.search(
        r"test\w* (?:of )?(?:alert|notif)\w*", view.words
    ):
        return "notify", "api"
    if "webhook" in text and re.search(r"verif|test|check|respond|simulat", f"{text} {body}"):
        return ("check.webhook",)
    if re.search(r"/[-_]/reload|reload", address):
        return "change", "api"
    if re.search(r"/(?:test|selftest|echo|ping|verify)\b", address) or re.search(r"^test|\btest\b", view.comment.lower()):
        return "check.http", "api"
    return ("api",)


# --- requests that only read


def _reading(view: View, command: ShellCommand, call: HttpCall, address: Filled) -> Found:
    place = _alertmanager(place_of(address.text))
    capabilities = _capabilities(view, call, place, address.text)
    settings, missing, static = settings_of(view, command, call)
    everything = _unique((*address.missing, *missing))
    operation = "alertmanager.alerts" if capabilities[0] == "check.alertmanager" else f"http.{call.method.lower()}"
    operation = operation if call.understood and call.addresses and understood_behind(command) else ""
    disposition = Disposition.MISSING if everything else Disposition.CARRIED
    waits = command.condition_of in ("until", "while")
    found = Found(Fate.STEP if waits else Fate.CHECK, capabilities, operation, disposition=disposition, missing=everything)
    if waits:
        return found
    if not (address.static and static):
        return replace(found, reason="its address or a header is known only when it runs")
    if place.problem or not call.understood:
        return replace(found, reason=place.problem or "it reaches the server in a way that a check does not")
    others = [place_of(text) for text in fill(view, *call.addresses[1:]).texts]
    places = [place, *(other for other in others if not other.problem)]
    return replace(found, drafts=tuple(_drafts(view, command, call, places, settings)))


def _drafts(view: View, command: ShellCommand, call: HttpCall, places: Sequence[Place], settings: dict[str, Any]) -> Iterator[Draft]:
    """The checks. What is expected of the status alone is said apart, so that a check which other lines make too stays one."""
    if is_here(command) and len(places) == 1 and (alerts := _alerts(places[0], settings)) is not None:
        yield alerts
        return
    expected = settings.get("expect", {})
    apart = is_here(command) and expected.keys() == {"status"} and isinstance(expected["status"], int) and _only_one(view, places)
    own = {key: value for key, value in settings.items() if key != "expect" or not apart}
    for place in places:
        yield _draft(view, command, call, place, own)
    if apart:
        yield ExpectDraft(expected, places[0].path)


def _only_one(view: View, places: Sequence[Place]) -> bool:
    """Whether the manual asks for that path at one address only: an expectation names its check by the path."""
    path = places[0].path.partition("?")[0]
    servers = {(address.host, address.port) for address in view.manual.names.addresses if (address.path or "/") == path}
    return len(places) == 1 and len(servers) < 2


def _draft(view: View, command: ShellCommand, call: HttpCall, place: Place, settings: Mapping[str, Any]) -> CheckDraft:
    if is_here(command):
        measures = ("response time",) if call.times else ()
        return CheckDraft("http", {"path": place.path, **settings}, place.base, measures=measures)
    # What a container or another host answers to itself is asked there; --fail lets its status count.
    words = fill(view, *whole(command)).texts
    at = len(command.wrapper_words) + 1
    strict = () if command.name == "wget" or command.has_flag("-f", "--fail", "--fail-with-body") else ("--fail",)
    return CheckDraft("command", {"run": [*words[:at], *strict, *words[at:]]})


def _alerts(place: Place, settings: Mapping[str, Any]) -> CheckDraft | None:
    """A check of the alerts themselves: one that is active turns it red, which an answer with status 200 does not. None where the request
    asks for something else, or for alerts by what the check cannot choose by."""
    path, _, query = place.path.partition("?")
    if not _is_alertmanager(place) or path != "/api/v2/alerts" or settings.keys() - {"headers", "secrets", "authority", "expect"}:
        return None
    asked = parse_qsl(query)
    if any(name != "filter" and (name, value) not in _USUAL_ALERTS for name, value in asked):
        return None
    matchers = [_MATCHER.fullmatch(value) for name, value in asked if name == "filter"]
    if None in matchers:
        return None
    own = {key: value for key, value in settings.items() if key != "expect"}
    chosen = [f'{match[1]}{match[2]}"{match[3]}"' for match in matchers if match]
    return CheckDraft("alertmanager", own | ({"matchers": chosen} if chosen else {}), place.base, "active-alerts")


def _alertmanager(place: Place) -> Place:
    """The first version of Alertmanager's API was removed in 0.27; the second one answers the same questions."""
    if not _is_alertmanager(place):
        return place
    return replace(place, path=_ALERTMANAGER.sub(lambda match: f"/api/v2/{match[2]}", place.path))


def _is_alertmanager(place: Place) -> bool:
    named = "alertmanager" in place.host or place.base.endswith(":9093")
    return named and bool(_ALERTMANAGER.search(place.path))


def _capabilities(view: View, call: HttpCall, place: Place, address: str) -> tuple[str, ...]:
    path = place.path.partition("?")[0].lower() or address.lower()
    comment = view.comment.lower() or view.title.lower()
    if _is_alertmanager(place) or ("alertmanager" in address.lower() and _ALERTMANAGER.search(address)):
        return "check.alertmanager", "check.http"
    if call.times:
        return "metric", "check.http"
    if "webhook" in comment or "webhook" in path or (call.method == "HEAD" and "webhook" in view.words):
        return "check.webhook", "check.http"
    if has_credentials(call) or re.search(r"external|third[- ]party|upstream api", view.words):
        return "check.external_api", "check.http"
    if re.search(r"\b(?:ssl|tls|certificate)", comment) and address.startswith("https"):
        return "check.tls", "check.http"
    if re.search(r"/alerts?\b", path) or ("/api/" in path and not _STATE.search(path)):
        return "api", "check.http"
    return ("check.http",)


def _unique(missing: tuple[Missing, ...]) -> tuple[Missing, ...]:
    return tuple({entry.name: entry for entry in missing}.values())


RECOGNISER = Recogniser(
    "curl",
    (Kind.COMMAND, Kind.ASSIGNMENT),
    _read,
    ("curl", "wget"),
    order=30,
    example="""# Health
```bash
curl -fsS http://127.0.0.1:8080/health | jq -e '.status == "UP"'
```
""",
)
