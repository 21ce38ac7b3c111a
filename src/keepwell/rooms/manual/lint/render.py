"""Findings as text for a terminal, as JSON, as SARIF 2.1.0, and as annotations of GitHub. Pure."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from keepwell.kernel.problems import Place, Problem
from keepwell.kernel.rendering import harmless, render_text

from .decide import Linted, fingerprints
from .model import Finding, Rule, Severity
from .redact import without_secrets
from .shellcheck import WIKI

_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVEL = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}
_GITHUB = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
_STYLE = {Severity.ERROR: "31;1", Severity.WARNING: "33", Severity.NOTE: "36"}


def as_text(results: Sequence[Linted], rules: Mapping[str, Rule], colour: bool = False) -> str:
    """For people: each finding with its line and a caret, at a rule's first finding why it matters; grouped rules in one line each; a
    count."""
    told: set[str] = set()
    parts: list[str] = []
    for result in results:
        grouped: dict[str, list[Finding]] = {}
        for finding in result.findings:
            rule = rules.get(finding.rule)
            if rule is not None and rule.grouped:
                grouped.setdefault(finding.rule, []).append(finding)
                continue
            why = "" if finding.rule in told else _why(finding, rule, colour)
            told.add(finding.rule)
            parts.append(_shown(result, finding, colour) + why)
        parts += [_group(result, rules[name], found, told, colour) for name, found in grouped.items()]
    return "\n".join((*(part.rstrip("\n") + "\n" for part in parts), summary(results))) + "\n"


def _shown(result: Linted, finding: Finding, colour: bool) -> str:
    severity = finding.severity or Severity.WARNING
    quote = result.manual.line_text(finding.line)
    shown = without_secrets(quote)
    # Where a secret was taken out, columns are not those of the manual any more: then nothing is marked.
    column = finding.column or None if shown == quote else None
    place = Place(result.manual.name, finding.line, column, shown, _mark(finding, quote))
    label = _painted(f"{severity.value} {finding.rule}", _STYLE[severity], colour)
    text = render_text([Problem(finding.rule, finding.message, "", place)], colour=False)
    first, _, rest = text.partition("\n")
    where, _, message = first.partition(": ")
    fix = f"   fix | {harmless(finding.fix)}\n" if finding.fix else ""
    return f"{_painted(where, '1', colour)}: {label} {message}\n{rest}{fix}"


def _mark(finding: Finding, quote: str) -> int:
    return max(1, min(finding.width, len(quote) - max(0, finding.column - 1)))


def _why(finding: Finding, rule: Rule | None, colour: bool) -> str:
    text = f"{WIKI}{finding.rule}" if rule is None else f"{_first_sentence(rule.why)}  (keepwell explain {rule.id})"
    return _painted(f"   why | {harmless(text)}", "2", colour)


def _first_sentence(text: str) -> str:
    end = text.find(". ")
    return text if end < 0 else text[: end + 1]


def _group(result: Linted, rule: Rule, found: Sequence[Finding], told: set[str], colour: bool) -> str:
    """All findings of one rule in a manual: one line that names the places, and those with something of their own to say."""
    label = _painted(f"{(found[0].severity or rule.severity).value} {rule.id}", _STYLE[found[0].severity or rule.severity], colour)
    places = "1 place" if len(found) == 1 else f"{len(found)} places"
    head = f"{_painted(harmless(result.manual.name), '1', colour)}: {label} {rule.title}: {places}"
    lines = [f"{finding.line:>6} | {harmless(finding.message)}" for finding in found]
    why = [_why(found[0], rule, colour)] if rule.id not in told else []
    told.add(rule.id)
    return "\n".join((head, *lines, *why))


def summary(results: Sequence[Linted]) -> str:
    """How many there are of each weight, and what was left out."""
    counts = {severity: sum(finding.severity is severity for result in results for finding in result.findings) for severity in Severity}
    total = sum(counts.values())
    parts = ", ".join(_count(number, severity.value) for severity, number in counts.items() if number)
    left = [
        f"{number} {what}"
        for number, what in (
            (sum(result.allowed for result in results), "allowed in the text"),
            (sum(result.known for result in results), "known from the baseline"),
        )
        if number
    ]
    manuals = _count(len(results), "manual")
    found = f"{manuals}: {_count(total, 'finding')}" + (f" ({parts})" if total else "")
    return found + (f"; not counted: {', '.join(left)}" if left else "")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def as_list(results: Iterable[Linted]) -> list[dict[str, Any]]:
    """For programs: one object a finding."""
    return [
        {
            "file": result.manual.name,
            "line": finding.line,
            "end_line": finding.end_line,
            "column": finding.column or None,
            "rule": finding.rule,
            "severity": (finding.severity or Severity.WARNING).value,
            "message": finding.message,
            "fix": finding.fix or None,
        }
        for result in results
        for finding in result.findings
    ]


def as_sarif(results: Sequence[Linted], rules: Mapping[str, Rule], version: str) -> str:
    """SARIF 2.1.0 (OASIS Standard), one run. Fingerprints stay when lines move."""
    used = sorted({finding.rule for result in results for finding in result.findings})
    run = {
        "tool": {
            "driver": {"name": "keepwell lint", "version": version, "rules": [_sarif_rule(name, rules.get(name)) for name in used]},
        },
        "columnKind": "unicodeCodePoints",
        "results": [
            _sarif_result(result, finding, mark, used)
            for result in results
            for finding, mark in zip(result.findings, fingerprints(result.manual, result.findings), strict=True)
        ],
    }
    return json.dumps({"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=True) + "\n"


def _sarif_rule(name: str, rule: Rule | None) -> dict[str, Any]:
    if rule is None:
        return {"id": name, "name": f"ShellCheck{name}", "helpUri": f"{WIKI}{name}", "shortDescription": {"text": f"ShellCheck {name}"}}
    return {
        "id": rule.id,
        "name": rule.name,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why},
        "defaultConfiguration": {"level": _LEVEL[rule.severity]},
        "help": {"text": f"{rule.why}\n\nkeepwell explain {rule.id} shows examples."},
    }


def _sarif_result(result: Linted, finding: Finding, mark: str, used: Sequence[str]) -> dict[str, Any]:
    region: dict[str, int] = {"startLine": finding.line, "endLine": max(finding.line, finding.end_line)}
    if finding.column and region["endLine"] == finding.line:
        region |= {"startColumn": finding.column, "endColumn": finding.column + max(1, finding.width)}
    text = finding.message + (f" Fix: {finding.fix}" if finding.fix else "")
    return {
        "ruleId": finding.rule,
        "ruleIndex": used.index(finding.rule),
        "level": _LEVEL[finding.severity or Severity.WARNING],
        "message": {"text": text},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": _uri(result.manual.name)}, "region": region}}],
        "partialFingerprints": {"keepwell/v1": mark},
    }


def _uri(name: str) -> str:
    from urllib.parse import quote

    return quote(name)


def as_github(results: Iterable[Linted], rules: Mapping[str, Rule]) -> str:
    """Workflow commands of GitHub Actions, one line a finding ("Workflow commands", Setting a notice, warning or error message)."""
    return "".join(_annotation(result, finding, rules.get(finding.rule)) for result in results for finding in result.findings)


def _annotation(result: Linted, finding: Finding, rule: Rule | None) -> str:
    title = f"{finding.rule} {rule.name}" if rule else finding.rule
    properties = {"file": result.manual.name, "line": finding.line, "endLine": max(finding.line, finding.end_line), "title": title}
    if finding.column and finding.end_line <= finding.line:
        properties |= {"col": finding.column}
    listed = ",".join(f"{key}={_escaped(str(value), for_property=True)}" for key, value in properties.items())
    message = finding.message + (f"\nfix: {finding.fix}" if finding.fix else "")
    return f"::{_GITHUB[finding.severity or Severity.WARNING]} {listed}::{_escaped(message)}\n"


def _escaped(text: str, for_property: bool = False) -> str:
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    text = text.replace(":", "%3A").replace(",", "%2C") if for_property else text
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def _painted(text: str, style: str, colour: bool) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if colour else text
