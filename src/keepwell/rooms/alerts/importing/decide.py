"""Alertmanager's configuration as an operations directory: bytes in, a text and a report out."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import yaml

from keepwell.config.yaml_reader import parse_yaml
from keepwell.kernel.durations import format_duration
from keepwell.kernel.problems import ConfigurationError, KeepwellError

from .keys import file_shape
from .model import Imported, LeftOut, SecretNeeded
from .reading import Part, Reader, is_nothing
from .receivers import ProblemOf, Receivers
from .routes import inhibit_rule, interval, interval_names, intervals_in, route
from .rules import routes_in

RESOLVE_TIMEOUT = timedelta(minutes=5)
_WIDTH = 120


def import_alertmanager(data: bytes, file: str, service: str, problem_of: ProblemOf, *, newer: bool = False) -> Imported:
    """What Debian's ``amtool check-config`` (0.25) accepts becomes a keepwell.yaml; all else raises ConfigurationError with every problem
    and its place, and no secret in a quoted line. ``newer`` takes files of later versions, and leaves out what 0.25 does not know."""
    part, reader = _read(data, file, newer)
    receivers = Receivers(part.part("global"), problem_of)
    receivers.begin()
    told = {receiver.text("name"): receivers.add(receiver) for receiver in part.all("receivers")}
    intervals = interval_names(part)
    sections = {
        "smtp": receivers.mail if any("smtp" not in one.get("email", {"smtp": {}}) for one in receivers.made.values()) else {},
        "receivers": receivers.made,
        "routes": route(part.part("route"), told, intervals),
        "inhibit_rules": [inhibit_rule(one) for one in part.all("inhibit_rules")],
        "time_intervals": {intervals[one.text("name")]: _interval(one) for one in intervals_in(part)},
    }
    left_out = sorted([*receivers.left_out, *_left_out(part), *_unknown(reader)], key=lambda one: one.line)
    secrets = sorted(receivers.secrets, key=lambda one: one.line)
    text = _text(service, {key: value for key, value in sections.items() if value}, secrets)
    return Imported(text, told, sum(1 for _ in routes_in(part.part("route"))), secrets, left_out)


def _read(data: bytes, file: str, newer: bool) -> tuple[Part, Reader]:
    try:
        document = parse_yaml(data, file)
        if document.findings.found:
            raise document.findings.stop()
    except KeepwellError as error:
        raise _without_quotes(error) from None
    reader = Reader(document.findings, newer)
    root = document.root
    part = file_shape(newer)(root, reader) if root is not None and not is_nothing(root) else None
    if part is None:
        document.findings.add("alertmanager.value", "this file has no route", root, "write route: with a receiver, and receivers:")
    if document.findings.found or part is None:
        raise document.findings.stop()
    return part, reader


def _without_quotes(error: KeepwellError) -> ConfigurationError:
    """The problems without the lines that they quote: in a file that cannot be read nobody knows what is secret."""
    return ConfigurationError(
        *(replace(one, where=replace(one.where, quote=None)) if one.where is not None else one for one in error.problems)
    )


def _interval(part: Part) -> list[dict[str, Any]]:
    """The intervals below one name. One without any is never open, which no year to come is."""
    return [interval(one) for one in part.all("time_intervals")] or [{"years": ["1970"]}]


def _left_out(part: Part) -> list[LeftOut]:
    shared = part.part("global")
    line = part.line("templates")
    found = [LeftOut(f"the template files {one}", "Keepwell writes its own messages", line) for one in part.all("templates")]
    timeout = shared.get("resolve_timeout", RESOLVE_TIMEOUT)
    if timeout != RESOLVE_TIMEOUT:
        why = f"alerts without an end that are not told of again end after {format_duration(RESOLVE_TIMEOUT)}"
        found.append(LeftOut(f"resolve_timeout: {format_duration(timeout)}", why, shared.line("resolve_timeout")))
    for named in intervals_in(part):
        local = [one for one in named.all("time_intervals") if one.text("location") == "Local"]
        what = f"location: Local of the time interval {named.text('name')}"
        found += [LeftOut(what, "write the zone; until then it is UTC", one.line("location")) for one in local]
    return found


def _unknown(reader: Reader) -> list[LeftOut]:
    why = "Alertmanager 0.25 does not know it, and Keepwell has nothing for it"
    return [LeftOut(key, why, line, key.endswith("_configs")) for key, line in reader.left_out]


def _text(service: str, sections: Mapping[str, Any], secrets: list[SecretNeeded]) -> str:
    lines = ["# Made of an Alertmanager configuration by keepwell import-alertmanager."]
    if secrets:
        lines += ["#", "# Each secret is an environment variable where Keepwell runs, or write secret:file:PATH in its place:"]
        lines += [f"#   {one.name}: {one.content} (line {one.line} of that file)" for one in secrets]
    lines += ["", "keepwell: 1", yaml.safe_dump({"service": service}, allow_unicode=True, default_flow_style=False)]
    lines += [_dumped({key: value}) for key, value in sections.items()]
    return "\n".join(lines)


def _dumped(value: object) -> str:
    # Quotes are as YAML 1.1 needs them, so that every reader reads the same.
    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=_WIDTH, default_flow_style=None)
    return text
