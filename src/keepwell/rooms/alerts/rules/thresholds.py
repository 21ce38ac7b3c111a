"""Thresholds that are changed while Keepwell runs: what a document asks for, beside what the file says. Pure.

A document is nested as ``{GROUP: {NAME: {"threshold": 0.05, "enabled": true}}}``; a KPI has ``warning`` and ``critical``. What it does not
name, or names as the file does, is as the file says.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

from keepwell.config.nearest import nearest
from keepwell.kernel.comparisons import Comparison, parse_comparison
from keepwell.kernel.problems import Problem, UsageError
from keepwell.kernel.quoting import quoted

from .model import CRITICAL, WARNING, Adjustable, Changed
from .reading import ENABLED, moved

Value = float | bool
Document = Mapping[str, Mapping[str, Mapping[str, Value | str | None]]]
"""As it is asked for: a threshold may be text with its unit (``5%``), and nothing (null) means what the file says."""

Rules = Sequence[Adjustable]


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that was changed; None is what the file says."""

    group: str
    name: str
    key: str
    before: Value | None
    after: Value | None

    @property
    def sentence(self) -> str:
        """The change in words."""
        return f"{self.group}/{self.name}: {self.key} {_said(self.before)} -> {_said(self.after)}"


def changed_of(nested: Mapping[str, Mapping[str, Mapping[str, Value]]]) -> Changed:
    """A stored document as it is applied."""
    return {(group, name): dict(values) for group, names in nested.items() for name, values in names.items()}


def nested_of(changed: Changed) -> dict[str, dict[str, dict[str, Value]]]:
    """What is applied as a document."""
    nested: dict[str, dict[str, dict[str, Value]]] = {}
    for (group, name), values in sorted(changed.items()):
        nested.setdefault(group, {})[name] = dict(values)
    return nested


def in_force(rules: Rules, changed: Changed) -> dict[str, dict[str, dict[str, Value]]]:
    """All rules with the values that are in force; without changes: as the file says."""
    return nested_of({(rule.group, rule.name): {**rule.file, **_known(rule, changed)} for rule in rules})


def without_rule(rules: Rules, changed: Changed) -> list[str]:
    """Changes of rules that the file does not have any more: they are kept, and change nothing."""
    known = {(rule.group, rule.name) for rule in rules}
    return [f"{group}/{name}" for group, name in sorted(changed) if (group, name) not in known]


def asked(document: Document, rules: Rules, before: Changed) -> Changed:
    """What a document makes of the changes of before (``{}`` where it replaces them). Raises UsageError with every problem."""
    known = {(rule.group, rule.name): rule for rule in rules}
    after = {key: dict(values) for key, values in before.items()}
    problems: list[Problem] = []
    for group, names in document.items():
        for name, values in names.items():
            rule = known.get((group, name))
            if rule is None:
                problems.append(_unknown(group, name, rules))
            else:
                now = after.setdefault((group, name), {})
                problems += _take(rule, values, now)
                problems += _together(rule, now)
    if problems:
        raise UsageError(*problems)
    return {key: values for key, values in after.items() if values}


def differences(before: Changed, after: Changed) -> list[Difference]:
    """What lies between two versions."""
    found = []
    for group, name in sorted({*before, *after}):
        old, new = before.get((group, name), {}), after.get((group, name), {})
        found += [Difference(group, name, key, old.get(key), new.get(key)) for key in sorted({*old, *new}) if old.get(key) != new.get(key)]
    return found


def _known(rule: Adjustable, changed: Changed) -> Mapping[str, Value]:
    return {key: value for key, value in changed.get((rule.group, rule.name), {}).items() if key in rule.file}


def _take(rule: Adjustable, values: Mapping[str, Value | str | None], now: dict[str, Value]) -> Iterator[Problem]:
    for key, value in values.items():
        where = f"{rule.group}/{rule.name}"
        if key not in rule.file:
            near = nearest(key, rule.file)
            hint = f"did you mean {quoted(near)}?" if near else f"what can be changed: {', '.join(sorted(rule.file))}"
            yield Problem("alerts.threshold", f"{where} has no {quoted(key)} that can be changed", hint)
            continue
        try:
            wanted = _read(rule, key, value)
        except ValueError as error:
            yield Problem("alerts.threshold", f"{where}: {key} {error}")
            continue
        now.pop(key, None)
        if wanted is not None and wanted != rule.file[key]:
            now[key] = wanted


def _read(rule: Adjustable, key: str, value: Value | str | None) -> Value | None:
    if value is None:
        return None
    if key == ENABLED:
        if not isinstance(value, bool):
            raise ValueError(f"is true or false, not {value!r}")
        return value
    limit = rule.limits[key]
    if isinstance(value, str):
        read = parse_comparison(f"{limit.operator} {value}")
        if read.unit is not limit.unit:
            raise ValueError(f"{quoted(value)} is no {limit.unit} as the file has it: {limit}")
        return read.bound
    if isinstance(value, bool) or not isfinite(value):
        raise ValueError(f"is a finite number in {limit.unit}s such as {limit.bound:g}, not {value!r}")
    return float(value)


def _together(rule: Adjustable, now: Mapping[str, Value]) -> Iterator[Problem]:
    """A KPI's critical threshold lies beyond its warning."""
    warning, critical = (_limit(rule, key, now) for key in (WARNING, CRITICAL))
    if warning is not None and critical is not None and not (warning.covers(critical) and not critical.covers(warning)):
        message = f"{rule.group}/{rule.name}: critical {critical} is not worse than warning {warning}"
        yield Problem("alerts.threshold", message, "critical must lie further the same way")


def _limit(rule: Adjustable, key: str, now: Mapping[str, Value]) -> Comparison | None:
    limit = rule.limits.get(key)
    return moved(limit, float(now[key])) if limit is not None and key in now else limit


def _unknown(group: str, name: str, rules: Iterable[Adjustable]) -> Problem:
    words = [f"{rule.group}/{rule.name}" for rule in rules]
    near = nearest(f"{group}/{name}", words)
    hint = f"did you mean {quoted(near)}?" if near else f"what there is: {', '.join(words[:10])}"
    return Problem("alerts.threshold", f"there is no rule {quoted(f'{group}/{name}')}", hint)


def _said(value: Value | None) -> str:
    if value is None:
        return "as in the file"
    return ("on" if value else "off") if isinstance(value, bool) else f"{value:g}"
