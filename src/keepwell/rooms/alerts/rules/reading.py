"""Rules as they are written become rules as they are judged, or every problem with its place. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from keepwell.config.decoding import Listed
from keepwell.config.nearest import nearest
from keepwell.kernel.comparisons import Comparison, Unit, parse_comparison
from keepwell.kernel.problems import ConfigurationError, KeepwellError, Place, Problem
from keepwell.kernel.quoting import quoted
from keepwell.rooms.alerts.model import SEVERITY

from .model import CRITICAL, KPI, WARNING, Adjustable, Changed, CheckRule, Face, Language, MeasuredRule, Parts, Recovery, RuleSet, Timing
from .options import ANY_CHECK, RuleOptions
from .standard import STANDARD
from .when import figure_name

THRESHOLD, ENABLED = "threshold", "enabled"
_STATES = {"fail": frozenset({"fail"}), "warn": frozenset({"warn", "fail"}), "unknown": frozenset({"unknown"})}
_TRUE = Comparison("!=", 0.0, Unit.NUMBER, "!= 0")


def read_rules(entries: Sequence[Listed], figures: Mapping[str, str], language: Language, changed: Changed | None = None) -> RuleSet:
    """The rules of a configuration, with what was changed since. Raises ConfigurationError with every problem."""
    reader = _Reader(figures, language, changed or {})
    reader.read(entries)
    if reader.problems:
        raise ConfigurationError(*reader.problems)
    return RuleSet(tuple(reader.measured), (*reader.checks, *_standard(reader.checks, changed or {})), tuple(reader.adjustable))


def _standard(own: Sequence[CheckRule], changed: Changed) -> Iterator[CheckRule]:
    """The rules that every check has, unless the file says otherwise for all of them."""
    if not any(rule.check == ANY_CHECK for rule in own):
        for rule in STANDARD:
            yield replace(rule, enabled=bool(changed.get((rule.group, rule.key), {}).get(ENABLED, True)))


@dataclass(frozen=True, slots=True)
class _Measure:
    """What a rule measures: the whole expression and its parts. ``waits_for``: the figure is not defined."""

    text: str
    parts: Parts
    said: str
    waits_for: str = ""


@dataclass(slots=True)
class _Reader:
    figures: Mapping[str, str]
    language: Language
    changed: Changed
    measured: list[MeasuredRule] = field(default_factory=list)
    checks: list[CheckRule] = field(default_factory=list)
    adjustable: list[Adjustable] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    _names: dict[tuple[str, str], Place] = field(default_factory=dict)

    def read(self, entries: Sequence[Listed]) -> None:
        for rule in STANDARD:
            self.adjustable.append(Adjustable(rule.group, rule.key, {ENABLED: True}))
        for entry in entries:
            options = entry.options
            assert isinstance(options, RuleOptions)
            self._unique(options, entry)
            self._templates(options, entry)
            if options.check is not None:
                self._check(options, entry)
            else:
                self._figure(options, entry)

    # --- rules over checks

    def _check(self, options: RuleOptions, entry: Listed) -> None:
        key = _key(options)
        severity = options.severity or (None if SEVERITY in options.labels else {"fail": CRITICAL}.get(options.state, WARNING))
        face = _face(options, {SEVERITY: severity} if severity else {}, "")
        enabled = self._enabled(options, key)
        timing = Timing(options.hold, options.keep_firing_for)
        assert options.check is not None
        self.checks.append(CheckRule(options.group, key, face, options.check, _STATES[options.state], timing, enabled, entry.place))
        self.adjustable.append(Adjustable(options.group, key, {ENABLED: options.enabled}))

    # --- rules over samples

    def _figure(self, options: RuleOptions, entry: Listed) -> None:
        measure = self._measure(options, entry)
        if measure is None:
            return
        limits = self._limits(options, measure)
        key = _key(options)
        file: dict[str, float | bool] = {name: limit.bound for name, limit in limits.items()}
        self.adjustable.append(Adjustable(options.group, key, {**file, ENABLED: options.enabled}, limits))
        recovery = self._recovery(options, measure, entry)
        for name in limits or ("",):
            self.measured.append(self._rule(options, measure, entry, _Limited(name, limits.get(name), recovery)))

    def _rule(self, options: RuleOptions, measure: _Measure, entry: Listed, limited: "_Limited") -> MeasuredRule:
        condition, key, of_kpi = options.condition, _key(options), options.kpi is not None
        now = self.changed.get((options.group, key), {}).get(limited.name)
        limit = limited.limit
        if limit is not None and now is not None and now != limit.bound:
            limit = moved(limit, float(now))
        extra = {SEVERITY: limited.name, KPI: options.kpi or ""} if of_kpi else {SEVERITY: options.severity} if options.severity else {}
        hold = condition.hold if condition is not None and condition.hold is not None else options.hold
        return MeasuredRule(
            group=options.group,
            key=f"{key}/{limited.name}" if of_kpi else key,
            face=_face(options, extra, measure.said),
            text=f"{measure.parts.measured} {limit}" if limit is not None and measure.parts.measured else measure.text,
            measured=measure.parts.measured,
            limit=limit,
            recovery=limited.recovery,
            timing=Timing(hold, options.keep_firing_for),
            every=options.every,
            no_data_for=options.no_data_for,
            metrics=measure.parts.metrics,
            waits_for=measure.waits_for,
            enabled=self._enabled(options, key),
            is_overridden=limit is not limited.limit,
            place=entry.place,
        )

    def _measure(self, options: RuleOptions, entry: Listed) -> _Measure | None:
        """What is measured; None, and a problem, where PromQL cannot read it."""
        condition = options.condition
        said = condition.figure if condition else figure_name(options.kpi or "")
        text = options.expr if options.expr is not None else self.figures.get(said)
        if text is None:
            return _Measure("", Parts("", "", None, frozenset()), said, waits_for=said)
        try:
            parts = self.language.take_apart(text)
        except KeepwellError as error:
            if options.expr is not None:  # those of figures are told of once, at the figure
                self._problem(f"the expression of {quoted(options.name)} cannot be read: {error}", entry.at("expr"))
            return None
        if options.kpi is not None or (condition is not None and (condition.limit is not None or not parts.measured)):
            # The figure as a whole is compared, whatever it is made of.
            parts = replace(parts, measured=f"({text})", bound=None, operator="")
        return _Measure(text, parts, said)

    def _limits(self, options: RuleOptions, measure: _Measure) -> Mapping[str, Comparison]:
        """What is compared with, by the words by which it can be changed."""
        if options.kpi is not None:
            both = {WARNING: options.warning, CRITICAL: options.critical}
            return {name: limit for name, limit in both.items() if limit is not None}
        condition, parts = options.condition, measure.parts
        if condition is not None and condition.limit is not None:
            return {THRESHOLD: condition.limit}
        if parts.bound is not None:
            return {THRESHOLD: Comparison(parts.operator, parts.bound, Unit.NUMBER, f"{parts.operator} {parts.bound:g}")}
        return {THRESHOLD: _TRUE} if condition is not None and parts.measured and not parts.operator else {}

    def _recovery(self, options: RuleOptions, measure: _Measure, entry: Listed) -> Recovery | None:
        if options.recovery is None:
            return None
        try:
            limit = parse_comparison(options.recovery)
        except ValueError:
            pass
        else:
            if not measure.parts.measured and not measure.waits_for:
                self._problem(f"nothing that is measured can be compared with {limit}", entry.at("recovery"), "write PromQL instead")
            return Recovery(limit)
        try:
            self.language.take_apart(options.recovery)
        except KeepwellError as error:
            hint = "write a comparison such as < 5%, or PromQL"
            self._problem(f"the recovery of {quoted(options.name)} cannot be read: {error}", entry.at("recovery"), hint)
        return Recovery(text=options.recovery)

    # --- what all have

    def _enabled(self, options: RuleOptions, key: str) -> bool:
        return bool(self.changed.get((options.group, key), {}).get(ENABLED, options.enabled))

    def _unique(self, options: RuleOptions, entry: Listed) -> None:
        key = (options.group, _key(options))
        first = self._names.setdefault(key, entry.place)
        if first is not entry.place:
            hint = "rename one of them, or write group: and another name in one"
            self._problem(f"the rule {quoted(key[1])} stands in line {first.line} already", entry.at("alert"), hint)

    def _templates(self, options: RuleOptions, entry: Listed) -> None:
        for key, texts in (("labels", options.labels), ("annotations", options.annotations)):
            for name, text in texts.items():
                try:
                    self.language.check_template(text)
                except KeepwellError as error:
                    self._problem(f"the template of {quoted(name)} in {key} cannot be read: {error}", entry.at(key))

    def _problem(self, message: str, place: Place, hint: str = "") -> None:
        self.problems.append(Problem("rules.rule", message, hint, place))


@dataclass(frozen=True, slots=True)
class _Limited:
    """One limit of a rule with its name, and when its alerts are over."""

    name: str
    limit: Comparison | None
    recovery: Recovery | None


def _key(options: RuleOptions) -> str:
    """By what a rule is known in its group: its name, and of check rules the check too."""
    return f"{options.name}/{options.check}" if options.check is not None else options.name


def _face(options: RuleOptions, extra: Mapping[str, str], said: str) -> Face:
    annotations = dict(options.annotations)
    if options.runbook is not None:
        annotations.setdefault("runbook_url" if "://" in options.runbook else "runbook", options.runbook)
    return Face(options.name, {**options.labels, **extra}, annotations, said)


def moved(limit: Comparison, bound: float) -> Comparison:
    """The same comparison with another number."""
    return Comparison(limit.operator, bound, limit.unit, f"{limit.operator} {limit.describe(bound)}")


def unknown_figures(figures: Mapping[str, str], rules: RuleSet) -> Iterator[tuple[str, str]]:
    """Each figure that a rule waits for, with a sentence."""
    for name in dict.fromkeys(rule.waits_for for rule in rules.measured if rule.waits_for):
        near = nearest(name, figures)
        hint = f"; there is {quoted(near)}" if near else ""
        waiting = ", ".join(dict.fromkeys(rule.face.name for rule in rules.measured if rule.waits_for == name))
        yield name, f"{waiting} waits: figures does not say what {quoted(name)} measures{hint}"


def check_figures(figures: Mapping[str, str], place: Place, language: Language) -> Iterator[Problem]:
    """What is wrong with the expressions of figures."""
    for name, text in figures.items():
        try:
            language.take_apart(text)
        except KeepwellError as error:
            yield Problem("rules.figure", f"the figure {quoted(name)} cannot be read: {error}", "write PromQL", place)
