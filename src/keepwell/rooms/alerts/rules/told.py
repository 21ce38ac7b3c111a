"""Rules and their thresholds for people on a terminal. Each function prints one sort of answer and gives the exit code."""

from collections.abc import Mapping
from typing import Any

from keepwell.kernel.comparisons import Unit, describe
from keepwell.kernel.exits import Exit
from keepwell.ports.offer import Call

_STYLES = {"firing": "fail", "error": "unknown", "no data": "unknown", "pending": "warn", "waiting": "dim", "off": "dim"}


def listing(call: Call, answer: Mapping[str, Any]) -> int:
    """The rules as they stand."""
    call.output.data(answer)
    rules = answer["rules"]
    rows = [(one["state"], f"{one['group']}/{one['name']}", one["severity"], _condition(one), _now(one)) for one in rules]
    call.output.table(("state", "rule", "severity", "condition", "now"), rows, styles=[_STYLES.get(one["state"], "") for one in rules])
    waiting = [one for one in rules if one["state"] == "waiting"]
    if waiting:
        call.output.say(f"{len(waiting)} of {len(rules)} rules wait for a figure that the section figures does not define", style="dim")
    return Exit.OK


def _condition(one: Mapping[str, Any]) -> str:
    lasts = f" for {one['for']}" if one["for"] != "0s" else ""
    return f"{one['condition']}{lasts}" + (" (changed)" if one.get("overridden") else "")


def _now(one: Mapping[str, Any]) -> str:
    if one["why"]:
        return str(one["why"])
    if one["kind"] == "check":
        return f"{one['alerts']} of {one['checks']} checks"
    return ", ".join(one["measured"][:3]) + (f" and {one['series'] - 3} more" if one["series"] and one["series"] > 3 else "")


def thresholds(call: Call, answer: Mapping[str, Any]) -> int:
    """What can be changed, in force and in the file."""
    call.output.data(answer)
    rows = []
    for group, names in answer["rules"].items():
        for name, values in names.items():
            compared, file = answer["comparisons"].get(f"{group}/{name}", {}), answer["file"][group][name]
            rows += [_threshold(f"{group}/{name}", key, (value, file[key]), compared.get(key)) for key, value in values.items()]
    call.output.table(("rule", "key", "in force", "in the file"), rows, styles=["warn" if row[3] else "" for row in rows])
    for name in answer["without_rule"]:
        call.output.say(f"{name} was changed and is not in the file any more", style="dim")
    call.output.say(f"version {answer['version']}" + (f", by {answer['changed']['by']}" if answer["changed"] else ""), style="dim")
    return Exit.OK


def _threshold(rule: str, key: str, values: tuple[Any, Any], compared: Mapping[str, str] | None) -> tuple[str, str, str, str]:
    now, file = values
    return rule, key, _said(now, compared), _said(file, compared) if file != now else ""


def versions(call: Call, answer: Mapping[str, Any]) -> int:
    """Who changed what."""
    call.output.data(answer)
    rows = [
        (str(one["version"]), one["at"], one["by"], "; ".join(change["sentence"] for change in one["changes"]), one["reason"])
        for one in answer["versions"]
    ]
    if rows:
        call.output.table(("version", "at", "by", "changes", "reason"), rows)
    else:
        call.output.say("nothing was ever changed: all thresholds are those of the file", style="dim")
    return Exit.OK


def changed(call: Call, answer: Mapping[str, Any]) -> int:
    """What a change came to."""
    call.output.data(answer)
    for change in answer["changes"]:
        call.output.say(change["sentence"], style="ok")
    call.output.say(f"version {answer['version']} is in force" if answer["changes"] else "nothing is changed by that", style="dim")
    return Exit.OK


def _said(value: Any, compared: Mapping[str, str] | None) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{compared['operator']} {describe(value, Unit(compared['unit']))}" if compared else f"{value:g}"
