"""Rule files read: text in, frozen values or every problem with its place out.

What is refused is what Prometheus refuses (prometheus/model/rulefmt: ``RuleGroups.Validate``, ``Rule.Validate``), and beyond that
expressions outside the scope of the language here (``promql/scope.py``).
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from keepwell.config.findings import Findings
from keepwell.config.nodes import Node
from keepwell.config.yaml_reader import Document, parse_yaml, read_yaml
from keepwell.kernel.quoting import quoted
from keepwell.ports.samples import NAME
from keepwell.rooms.promql.literals import is_name
from keepwell.rooms.promql.model import BadQuery
from keepwell.rooms.promql.parse import parse
from keepwell.rooms.promql.templates.model import TemplateError
from keepwell.rooms.promql.templates.rule_texts import check_template

from .fields import Fields, fields_of
from .model import Alerting, Group, Names, Recording, Rule, RuleFile

_GROUPS = ("groups",)
_GROUP = ("name", "interval", "query_offset", "limit", "labels", "rules")
_RULE = ("record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations")
_LEGACY_LABEL = re.compile("[a-zA-Z_][a-zA-Z0-9_]*")
_LEGACY_METRIC = re.compile("[a-zA-Z_:][a-zA-Z0-9_:]*")
_PREFIX = re.compile(r"\d+:\d+: parse error: ")


def read_rules(path: Path, names: Names = "utf8") -> RuleFile:
    """Reads a rule file. Raises ConfigurationError with every problem in it."""
    return _read(read_yaml(path), str(path), names)


def parse_rules(data: bytes, file: str, names: Names = "utf8") -> RuleFile:
    """The same for bytes in hand; ``file`` is the name that problems give."""
    return _read(parse_yaml(data, file), file, names)


def _read(document: Document, file: str, names: Names) -> RuleFile:
    findings = document.findings
    reader = _Reader(findings, file, names)
    groups = tuple(reader.groups(fields_of(document.root, _GROUPS, findings)))
    if findings.found:
        raise findings.stop()
    return RuleFile(file, groups, tuple(_repeated(groups)))


def _repeated(groups: Sequence[Group]) -> Iterator[str]:
    """Rules that write or fire the same thing."""
    told = Counter(
        ("alert" if isinstance(rule, Alerting) else "record", rule.name, tuple(sorted(rule.labels.items())))
        for group in groups
        for rule in group.rules
    )
    for (kind, name, labels), count in told.items():
        if count > 1:
            with_labels = f" with the labels {', '.join(f'{key}={quoted(value)}' for key, value in labels)}" if labels else ""
            yield f"{kind} {quoted(name)}{with_labels} stands {count} times in this file: their series may be the same"


@dataclass(frozen=True, slots=True)
class _Reader:
    findings: Findings
    file: str
    names: Names

    def groups(self, top: Fields) -> Iterator[Group]:
        known: set[str] = set()
        for fields in top.each("groups", _GROUP):
            name = fields.text("name")
            if not name:
                self._problem("the group has no name", fields.key("name"), "write name: and what it is to be called")
            elif name in known:
                self._problem(f"the group {quoted(name)} stands twice in this file", fields.place("name"), "rename one of them")
            known.add(name)
            yield self._group(name, fields)

    def _group(self, name: str, fields: Fields) -> Group:
        shared = self._labels(fields)
        interval = fields.duration("interval")
        rules = [self._rule(one, shared) for one in fields.each("rules", _RULE)]
        kept = tuple(rule for rule in rules if rule is not None)
        return Group(name, self.file, kept, interval or None, fields.whole("limit"), fields.duration("query_offset") or 0)

    def _rule(self, fields: Fields, shared: Mapping[str, str]) -> Rule | None:
        record, alert = fields.text("record"), fields.text("alert")
        if record and alert:
            self._problem("a rule either records or alerts: it has both record and alert", fields.key("record"), "make two rules of it")
        elif not record and not alert:
            self._problem("the rule has neither record nor alert", fields.node, "write record: or alert:, and a name")
        expression = self._expression(fields)
        labels = {**shared, **self._labels(fields)}
        self._annotation_names(fields)
        if alert and not record:
            self._templates(fields)
        hold, keep_firing = fields.duration("for") or 0, fields.duration("keep_firing_for") or 0
        place = self.findings.source.place(fields.node)
        if record:
            self._recording(record, fields)
            return Recording(record, expression, labels, place)
        annotations = {name: one.text for name, one in fields.texts("annotations").items()}
        return Alerting(alert, expression, labels, annotations, hold, keep_firing, place) if alert else None

    def _recording(self, name: str, fields: Fields) -> None:
        for key in ("for", "keep_firing_for"):
            if fields.duration(key):
                self._problem(f"a recording rule has no {quoted(key)}", fields.key(key), "only an alert waits: remove it")
        if fields.texts("annotations"):
            self._problem(
                'a recording rule has no "annotations"', fields.key("annotations"), "only an alert is read by people: remove them"
            )
        if "{" in name or "}" in name:
            hint = "labels stand below labels:, an expression below expr:"
            self._problem(f"{quoted(name)} has braces: a recording rule's name is that of a metric alone", fields.place("record"), hint)
        elif not (is_name(name) if self.names == "utf8" else _LEGACY_METRIC.fullmatch(name)):
            self._problem(f"{quoted(name)} is no name of a metric", fields.place("record"))

    def _labels(self, fields: Fields) -> dict[str, str]:
        labels = fields.texts("labels")
        for name, one in labels.items():
            if not self._is_label(name) or name == NAME:
                hint = "a series that is recorded has its name from record:" if name == NAME else ""
                self._problem(f"{quoted(name)} is no name of a label", one.key, hint)
        return {name: one.text for name, one in labels.items()}

    def _annotation_names(self, fields: Fields) -> None:
        for name, one in fields.texts("annotations").items():
            if not self._is_label(name):
                self._problem(f"{quoted(name)} is no name of an annotation", one.key)

    def _is_label(self, name: str) -> bool:
        return is_name(name) if self.names == "utf8" else _LEGACY_LABEL.fullmatch(name) is not None

    def _templates(self, fields: Fields) -> None:
        for key in ("labels", "annotations"):
            for name, one in fields.texts(key).items():
                try:
                    check_template(one.text)
                except TemplateError as error:
                    where = self._inside(one.value, one.text, error.at)
                    self._problem(f"the template of the {key.removesuffix('s')} {quoted(name)} cannot be read: {error}", where)

    def _expression(self, fields: Fields) -> str:
        text = fields.text("expr")
        if not text:
            self._problem('the rule has no "expr"', fields.key("expr"), "write expr: and an expression of PromQL")
            return text
        try:
            parse(text)
        except BadQuery as error:
            self._bad_expression(error, text, fields.place("expr"))
        return text

    def _bad_expression(self, error: BadQuery, text: str, node: Node) -> None:
        problem = error.problems[0]
        where, reason = problem.where, _PREFIX.sub("", problem.message)
        if where is not None and where.line is not None and where.column is not None:
            start = sum(len(line) + 1 for line in text.split("\n")[: where.line - 1]) + where.column - 1
            node = self._inside(node, text, start, where.width)
        self._problem(f"the expression cannot be read: {reason}", node, problem.hint)

    def _inside(self, node: Node, text: str, at: int, width: int = 1) -> Node:
        """Where the character ``at`` of a scalar's text stands in the file, as far as that can be told; otherwise the scalar."""
        before = text[:at].split("\n")
        line = text.split("\n")[len(before) - 1]
        lines = self.findings.source.lines
        # A block (``|``) begins in the line after its sign, everything else where it stands.
        for number in (node.line + len(before) - 1, node.line + len(before)):
            if number <= node.end_line and number < len(lines) and line:
                start = lines[number].find(line, node.column if number == node.line else 0)
                if start >= 0:
                    column = start + len(before[-1])
                    return Node(number, column, number, column + max(1, width))
        return node

    def _problem(self, message: str, node: Node, hint: str = "") -> None:
        # What an alias repeats is said once.
        if any(
            said == message and at is not None and (at.line, at.column) == (node.line, node.column)
            for _, said, _, at in self.findings.found
        ):
            return
        self.findings.add("rules.rule", message, node, hint)
