"""Alerts for people on a terminal. Each function prints one sort of answer and gives the exit code."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from keepwell.kernel.exits import Exit
from keepwell.ports.offer import Call

from .shown import severity_rank
from .words import NONE, length, took

_STYLES = ("fail", "fail", "warn", "")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_BAR = 40


def listing(call: Call, answer: Mapping[str, Any]) -> int:
    """The active alerts, the most urgent first."""
    now = _instant(answer["timestamp"])
    alerts = sorted(answer["active_alerts"], key=_urgency)
    rows = [(f"{one['id']}", _state(one), one["severity"], _title(one), _since(one, now), one["message"]) for one in alerts]
    if rows:
        columns = ("id", "state", "severity", "alert", "for", "message")
        call.output.table(columns, rows, styles=[_style(one) for one in alerts])
    if answer["next"] is not None:
        call.output.say(f"{len(rows)} of {answer['total']} alerts: --before {answer['next']} shows the next ones", style="dim")
    firing, pending = answer["counts"]["firing"], answer["counts"]["pending"]
    if not rows:
        words = "no alert is active" if not firing + pending else f"none of the {firing + pending} active alerts is asked for"
        call.output.say(words, style="ok" if not firing else "dim")
    return Exit.NEGATIVE if any(one["state"] == "firing" for one in alerts) else Exit.OK


def _urgency(one: Mapping[str, Any]) -> tuple[Any, ...]:
    return (one["state"] != "firing", bool(one["muted_by"]), one["acknowledged"] is not None, severity_rank(one["severity"]), -one["id"])


def _state(one: Mapping[str, Any]) -> str:
    words = [one["state"]]
    words += [f"known to {one['acknowledged']['by']}"] if one["acknowledged"] else []
    words += ["muted"] if one["muted_by"] else []
    words += ["flapping"] if one["flapping"] else []
    words += ["in doubt"] if one["doubt"] else []
    return ", ".join(words)


def _style(one: Mapping[str, Any]) -> str:
    if one["state"] != "firing" or one["muted_by"] or one["acknowledged"]:
        return "dim"
    return _STYLES[severity_rank(one["severity"])]


def _title(one: Mapping[str, Any]) -> str:
    """Its name, with the one label that says best what it is about."""
    labels = one["labels"]
    about = next((labels[name] for name in ("check", "instance", "target", "receiver", "rule", "service") if labels.get(name)), "")
    return f"{one['name']} ({about})" if about else str(one["name"])


def _since(one: Mapping[str, Any], now: datetime) -> str:
    return length((now - _instant(one["firing_since"] or one["active_since"])).total_seconds())


def show(call: Call, answer: Mapping[str, Any]) -> int:
    """One alert, with what happened to it."""
    output = call.output
    output.say(f"{answer['id']}  {_title(answer)}: {_state(answer)}", style="strong")
    known = answer["acknowledged"]
    facts = (
        ("message", answer["message"]),
        ("severity", answer["severity"]),
        ("told by", answer["source"]),
        ("value", f"{answer['value']:g}" if answer["value"] is not None else ""),
        ("holds since", answer["active_since"]),
        ("fires since", answer["firing_since"]),
        ("ended", f"{answer['resolved_at']}, {answer['reason']}" if answer["resolved_at"] else ""),
        ("ends by itself", answer["expires_at"] if not answer["resolved_at"] else ""),
        ("in doubt", answer["doubt"]),
        ("muted by", answer["muted_by"]),
        ("assigned to", answer["assigned_to"]),
        ("known to", " ".join(word for word in _known(known) if word) if known else ""),
        ("labels", ", ".join(f'{name}="{value}"' for name, value in sorted(answer["labels"].items()))),
        *((name, text) for name, text in sorted(answer["annotations"].items()) if text != answer["message"]),
        *(("escalation", one["message"]) for one in answer["escalations"]),
    )
    for name, text in facts:
        if text:
            output.say(f"  {name}: {text}")
    for title, rows in (("What happened", _happened(answer)), ("Notices", _notices(answer["notices"]))):
        if rows:
            output.say(title, style="strong")
            output.table(("at", "what", "", ""), rows)
    if answer["earlier"]:
        output.say(f"It fired {len(answer['earlier'])} times before, last at {answer['earlier'][0]['firing_since']}", style="dim")
    return Exit.NEGATIVE if answer["state"] == "firing" else Exit.OK


def _known(known: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        known["by"],
        f"since {known['at']}",
        f"until {known['until']}" if known["until"] else "",
        f": {known['note']}" if known["note"] else "",
    )


def _happened(answer: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [(entry["at"], entry["event"], entry["actor"], _words(entry["facts"])) for entry in answer["timeline"]]


def _words(facts: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts.items() if isinstance(value, str | int | float) and value != "")


def _notices(notices: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    return [(one["created_at"], one["receiver"], one["state"], one["error"]) for one in notices]


def history(call: Call, answer: Mapping[str, Any]) -> int:
    """Alerts that fired, newest first."""
    rows = [
        (
            f"{one['id']}",
            one["firing_since"] or NONE,
            length(one["duration_seconds"]) if one["resolved_at"] else "fires",
            one["severity"],
            _title(one),
            one["acknowledged"]["by"] if one["acknowledged"] else NONE,
            one["message"],
        )
        for one in answer["alert_history"]
    ]
    if not rows:
        call.output.say("no alert fired", style="dim")
        return Exit.OK
    call.output.table(("id", "fired", "took", "severity", "alert", "known to", "message"), rows)
    if answer["next"] is not None:
        call.output.say(f"--before {answer['next']} shows older ones", style="dim")
    return Exit.OK


def stats(call: Call, answer: Mapping[str, Any]) -> int:
    """The report of patterns."""
    output = call.output
    output.say(f"{answer['fired']} alerts fired from {answer['start']} to {answer['end']}", style="strong")
    if not answer["fired"]:
        return Exit.OK
    known, resolved = answer["time_to_acknowledge"], answer["time_to_resolve"]
    output.say(f"{answer['alerts']} different ones; {answer['still_firing']} fire still; {answer['acknowledged']} were acknowledged")
    output.say(f"time to acknowledge: {took(known)}; time to resolve: {took(resolved)}")
    _severities(call, answer["severities"])
    _noise(call, "Noisiest", answer["noisiest"][:10])
    _flapping(call, answer)
    _noise(call, "Never acknowledged", answer["never_acknowledged"][:10])
    _bars(call, f"By hour ({answer['zone']})", [(f"{hour:02}", count) for hour, count in enumerate(answer["by_hour"])])
    _bars(call, "By weekday", list(zip(_DAYS, answer["by_weekday"], strict=True)))
    return Exit.OK


def _severities(call: Call, rows: Sequence[Mapping[str, Any]]) -> None:
    cells = [(one["severity"], f"{one['fired']}", took(one["time_to_acknowledge"]), took(one["time_to_resolve"])) for one in rows]
    call.output.table(("severity", "fired", "to acknowledge", "to resolve"), cells)


def _noise(call: Call, title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        return
    call.output.say(title, style="strong")
    columns = ("alert", "service", "severity", "fired", "share", "fired for", "acknowledged", "usual length")
    cells = [
        (
            one["name"],
            one["service"],
            one["severity"],
            f"{one['fired']}",
            f"{one['share'] * 100:.0f} %",
            length(one["firing_seconds"]),
            f"{one['acknowledged']}",
            length(one["time_to_resolve"]["median"]),
        )
        for one in rows
    ]
    call.output.table(columns, cells)


def _flapping(call: Call, answer: Mapping[str, Any]) -> None:
    if not answer["flapping"]:
        return
    call.output.say(f"Comes and goes (back within {length(answer['returns_within_seconds'])})", style="strong")
    rows = [(one["name"], one["service"], f"{one['fired']}", f"{one['returns']}") for one in answer["flapping"][:10]]
    call.output.table(("alert", "service", "fired", "came back"), rows)


def _bars(call: Call, title: str, counted: Sequence[tuple[str, int]]) -> None:
    call.output.say(title, style="strong")
    most = max((count for _, count in counted), default=0) or 1
    for name, count in counted:
        call.output.say(f"  {name} {'#' * round(_BAR * count / most)}{' ' if count else ''}{count}")


def silences(call: Call, answer: Mapping[str, Any]) -> int:
    """Silences and maintenance."""
    rows = [_silence(one) for one in answer["silences"]]
    if not rows:
        call.output.say("there are no silences", style="dim")
        return Exit.OK
    call.output.table(("id", "state", "ends", "by", "matchers", "comment"), rows)
    return Exit.OK


def _silence(one: Mapping[str, Any]) -> tuple[str, ...]:
    state = f"{one['state']}, maintenance" if one["maintenance"] else one["state"]
    return one["id"], state, one["ends_at"], one["created_by"], ", ".join(one["matchers"]), one["comment"]


def on_call(call: Call, answer: Mapping[str, Any]) -> int:
    """Who is on call; the exit code says whether there is somebody now in every rota."""
    if not answer["rotas"]:
        call.output.say("there are no rotas: keepwell.yaml has them below rotas", style="dim")
        return Exit.OK
    rows = [
        (one["rota"], shift["start"], shift["end"], shift["person"] or "nobody", shift["why"])
        for one in answer["rotas"]
        for shift in one["shifts"]
    ]
    call.output.table(("rota", "from", "until", "who", "why"), rows, styles=["" if row[3] != "nobody" else "warn" for row in rows])
    return Exit.OK if all(one["shifts"] and one["shifts"][0]["person"] for one in answer["rotas"]) else Exit.NEGATIVE


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
