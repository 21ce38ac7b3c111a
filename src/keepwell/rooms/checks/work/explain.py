"""``keepwell check --explain``: what kinds of checks there are, and what one of them looks at, takes and gives."""

import textwrap
from collections.abc import Iterator
from typing import Any

from keepwell.config.words import FieldWords, ModelWords, model_words, unit_of
from keepwell.kernel.exits import Exit
from keepwell.kernel.states import State
from keepwell.ports.offer import Call, Drivers
from keepwell.rooms.checks.model import CheckOptions, Kind, Probe

_WIDTH = 100
_ACCEPTANCE = "Where the options hold a text of your own, it runs only after a person accepted it: keepwell accept DIR"

_STATES = {
    State.OK: "everything that is asked for is as expected",
    State.WARN: "a warning limit is passed",
    State.FAIL: "a failure limit is passed, something expected is not so, or the target gave no usable answer",
    State.UNKNOWN: "it could not look: our own fault, our own network, or a text that nobody accepted",
}


def explain_kinds(call: Call, drivers: Drivers) -> int:
    """Lists every kind with its summary."""
    summaries = {name: drivers.load(name).summary for name in drivers.names()}
    call.output.data([{"kind": name, "summary": summary} for name, summary in summaries.items()])
    call.output.table(("kind", "what it looks at"), list(summaries.items()))
    return Exit.OK


def explain_kind(call: Call, drivers: Drivers, name: str) -> int:
    """Explains one kind, and loads no other. Raises NotFound."""
    driver = drivers.load(name)
    call.output.data(_as_json(name, driver))
    call.output.say(name, style="strong")
    for line in textwrap.wrap(f"{driver.summary}.", _WIDTH):
        call.output.say(line)
    for heading, lines in _parts(name, driver):
        call.output.say()
        for line in textwrap.wrap(heading, _WIDTH, subsequent_indent="  "):
            call.output.say(line, style="strong")
        for line in lines:
            call.output.say(line)
    return Exit.OK


def _parts(name: str, driver: Kind[Any] | Probe[Any]) -> Iterator[tuple[str, Iterator[str]]]:
    for part in model_words(driver.options):
        yield f"options below {' and '.join(f'{name}.{place}' for place in part.places) or name}", _options(part)
    yield "beside them, as every check", iter([f"  {', '.join(CheckOptions.model_fields)} (keepwell reference explains them)"])
    if driver.values:
        yield "values", (line for value, meaning in driver.values.items() for line in _entry(value, unit_of(value), meaning))
    yield "states", (line for state, meaning in _STATES.items() for line in _entry(state, "", meaning))
    if driver.runs_text is not None:
        yield "acceptance", _wrapped(_ACCEPTANCE)
    if driver.example:
        yield "example", iter(textwrap.indent(driver.example.rstrip("\n"), "  ").split("\n"))


def _options(part: ModelWords) -> Iterator[str]:
    if not part.fields:
        yield "  It has none."
    for one in part.fields:
        yield from _entry(one.key, _form(one), one.meaning)


def _form(one: FieldWords) -> str:
    if one.default == "required":
        return f"{one.form}; required"
    return f"{one.form}; default {one.default}" if one.default else one.form


def _entry(name: str, form: str, meaning: str) -> Iterator[str]:
    """A name with its form, and below it what it means."""
    yield from textwrap.wrap(_plain(f"{name}  ({form})" if form else name), _WIDTH, initial_indent="  ", subsequent_indent="    ")
    yield from textwrap.wrap(_plain(meaning), _WIDTH, initial_indent="      ", subsequent_indent="      ")


def _wrapped(text: str) -> Iterator[str]:
    return iter(textwrap.wrap(text, _WIDTH, initial_indent="  ", subsequent_indent="  "))


def _plain(text: str) -> str:
    """A documented text without the marks of code."""
    return text.replace("``", "").replace("`", "")


def _as_json(name: str, driver: Kind[Any] | Probe[Any]) -> dict[str, Any]:
    return {
        "kind": name,
        "summary": driver.summary,
        "options": [
            {"below": list(part.places), "keys": [_option_json(one) for one in part.fields]} for part in model_words(driver.options)
        ],
        "values": [{"name": value, "unit": unit_of(value), "meaning": _plain(meaning)} for value, meaning in driver.values.items()],
        "states": dict(_STATES),
        "may_need_acceptance": driver.runs_text is not None,
        "example": driver.example,
    }


def _option_json(one: FieldWords) -> dict[str, Any]:
    required = one.default == "required"
    default = _plain(one.default) if one.default and not required else None
    return {"key": one.key, "type": _plain(one.form), "required": required, "default": default, "meaning": _plain(one.meaning)}
