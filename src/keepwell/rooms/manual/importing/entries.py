"""Checks, limits and entries of other sections: drafts of many items become what keepwell.yaml holds, each once. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from keepwell.kernel.comparisons import parse_comparison

from .model import CheckDraft, EntryDraft, ExpectDraft, LimitDraft
from .names import slug, unused
from .result import Conflict
from .two_limits import joined

Sound = Callable[[str, Mapping[str, Any]], str]
"""Why a check of this kind, or an entry of the section of this key, cannot have these settings; empty where it can."""

_EVERY = {
    **dict.fromkeys(("http", "process", "tcp"), "30s"),
    **dict.fromkeys(("host", "systemd", "docker", "kubernetes", "prometheus", "alertmanager", "redis", "postgres"), "1m"),
    **dict.fromkeys(("command", "dns", "file"), "5m"),
    "tls": "6h",
    "updates": "1d",
}
TIMEOUTS = {"updates": "1m"}
"""Kinds whose look takes longer than the usual ten seconds."""
_MOST = 1000


@dataclass(slots=True)
class Check:
    """A check that will be written: its name, and the lines of the manual that it carries."""

    name: str
    kind: str
    settings: dict[str, Any]
    every: str
    base: str = ""
    lines: dict[int, None] = field(default_factory=dict)
    measures: tuple[str, ...] = ()
    limits: dict[str, int] = field(default_factory=dict)
    """Which figures it has limits for, and from which line."""


@dataclass(slots=True)
class Rule:
    """A rule that will be written."""

    name: str
    value: dict[str, Any]
    lines: dict[int, None] = field(default_factory=dict)


class Entries:
    """What was made of the drafts so far. Every ``take_*`` gives the place: a key of keepwell.yaml."""

    def __init__(self, every: str | None = None, sound: Sound | None = None) -> None:
        self.every = every
        self.sound = sound
        self.checks: dict[str, Check] = {}
        self.rules: dict[str, Rule] = {}
        self.sections: dict[str, dict[str, tuple[dict[str, Any], dict[int, None]]]] = {}
        self.conflicts: list[Conflict] = []
        self.targets: dict[str, str] = {}

    # --- checks

    def take_check(self, draft: CheckDraft, line: int) -> str:
        """A check; one that asks the same as an earlier one is the earlier one."""
        identity = repr((draft.kind, draft.base, _frozen(draft.settings)))
        known = self.checks.get(identity)
        if known is None:
            if len(self.checks) >= _MOST or not self._fits(draft.kind, draft.settings, draft.base):
                return ""
            names = {check.name for check in self.checks.values()}
            settings = dict(draft.settings)
            if draft.base:
                settings = {"target": self._target(draft.base, settings), **settings}
            name = unused(slug(draft.name) or self._name(draft, settings), names)
            every = draft.every or self.every or _EVERY.get(draft.kind, "5m")
            known = self.checks[identity] = Check(name, draft.kind, settings, every, draft.base)
        known.lines[line] = None
        known.measures = tuple(dict.fromkeys((*known.measures, *draft.measures)))
        return f"checks.{known.name}"

    def _fits(self, kind: str, settings: Mapping[str, Any], base: str) -> bool:
        """Whether a check may have these settings. What an environment variable would change is nothing that the manual says."""
        if kind != "command" and "${" in repr(settings) + base:
            return False
        whole = {key: value for key, value in settings.items() if key != "target"} | ({"url": base} if base else {})
        return not self._unsound(kind, whole)

    def _unsound(self, what: str, settings: Mapping[str, Any]) -> bool:
        """Whether a check of a kind, or an entry of a section, cannot have these settings."""
        return self.sound is not None and bool(self.sound(what, settings))

    def _target(self, base: str, settings: Mapping[str, Any]) -> str:
        if base not in self.targets:
            scheme, _, rest = base.partition("://")
            host = rest.partition(":")[0]
            local = host in ("127.0.0.1", "localhost", "[::1]")
            first = "api" not in self.targets.values()
            wanted = ("api" if first else scheme) if local else slug(host.partition(".")[0])
            self.targets[base] = unused(wanted or scheme, self.targets.values())
        return self.targets[base]

    def _name(self, draft: CheckDraft, settings: Mapping[str, Any]) -> str:
        match draft.kind:
            case "http":
                path = str(settings.get("path", "")).partition("?")[0]
                target = str(settings.get("target", "http"))
                return slug(path) or "root" if target == "api" else f"{target}-{slug(path) or 'root'}"
            case "host":
                mount = str(settings.get("mount", ""))
                others = "-".join(key for key in settings if key != "mount")
                return f"disk-{slug(mount) or 'root'}" if mount else others or "host"
            case "process":
                pattern = str(settings.get("match") or settings.get("name") or "")
                return f"process-{slug(pattern.rpartition('/')[2]) or 'pattern'}"
            case "tcp":
                return f"port-{slug(str(settings.get('address') or settings.get('port') or settings.get('target') or ''))}"
            case "tls":
                return f"certificate-{slug(str(settings.get('host') or settings.get('file') or settings.get('target') or ''))}"
            case _:
                words = [str(word) for word in settings.get("run", ()) if not str(word).startswith("-")]
                return slug(" ".join(words[:4])) or "command"

    # --- what checks bear

    def health(self) -> Check | None:
        """The check of the primary health endpoint: the first http check whose path speaks of health, else the first one."""
        http = [check for check in self.checks.values() if check.kind == "http" and check.settings.get("method", "GET") == "GET"]
        return next((check for check in http if "health" in str(check.settings.get("path", ""))), None)

    def take_expectation(self, draft: ExpectDraft, line: int) -> str:
        """Conditions for the check that asks the path; empty where there is none, or it expects something else already."""
        http = (check for check in self.checks.values() if check.kind == "http")
        check = next((check for check in http if check.settings.get("path") == draft.path), None) if draft.path else self.health()
        if check is None:
            return ""
        expected = dict(check.settings.get("expect", {}))
        if any(expected.get(key, value) != value for key, value in draft.conditions.items()):
            self.conflicts.append(Conflict(min(check.lines), line, f"the answer of {check.name} is shown in two ways; the first counts"))
        wanted = {"status": 200, **draft.conditions, **expected}
        if not self._fits(check.kind, {**check.settings, "expect": wanted}, check.base):
            return ""
        check.settings["expect"] = wanted
        check.lines[line] = None
        return f"checks.{check.name}.expect"

    def take_limit(self, draft: LimitDraft, line: int) -> tuple[str, ...]:
        """Limits for a figure: those checks bear them that measure it; else they are a rule."""
        if draft.over or not (draft.warn or draft.fail):
            return (self._rule(draft, line),) if draft.words else ()
        places = tuple(place for check, key in self._bearers(draft) if (place := self._bear(check, key, draft, line)))
        return places or ((self._rule(draft, line),) if draft.words else ())

    def _bearers(self, draft: LimitDraft) -> list[tuple[Check, str]]:
        """Which checks bear limits for the figure, and under which key (empty: the check's own warn and fail)."""
        limit = draft.warn or draft.fail
        share = limit.rstrip().endswith("%")
        whole_machine = draft.subject == "host"
        processes = [] if whole_machine else [check for check in self.checks.values() if check.kind == "process"][:1]
        match draft.metric:
            case "response time":
                health = self.health()
                return [(health, "")] if health and not share else []
            case "disk":
                mounts = [check for check in self.checks.values() if "mount" in check.settings]
                return [(check, "") for check in mounts or [self._made("disk-root", {"mount": "/"})]] if share else []
            case "memory":
                return [(check, "memory") for check in processes] if not share else [(self._made("memory", {"memory": {}}), "memory")]
            case "cpu" if share:
                return [(check, "cpu") for check in processes] or [(self._made("cpu", {"cpu": {}}), "cpu")]
            case _:
                return []

    def _made(self, name: str, settings: dict[str, Any]) -> Check:
        """A host check for a figure that no command of the manual looks at."""
        known = next((check for check in self.checks.values() if check.kind == "host" and check.settings.keys() == settings.keys()), None)
        if known is None:
            self.take_check(CheckDraft("host", settings, name=name), 0)
            known = list(self.checks.values())[-1]
            known.lines.clear()
        return known

    def _bear(self, check: Check, key: str, draft: LimitDraft, line: int) -> str:
        where = check.settings if not key else dict(check.settings.get(key) or {})
        new = {name: limit for name, limit in (("warn", draft.warn), ("fail", draft.fail)) if limit}
        for name, limit in new.items():
            known = where.get(name)
            if known is not None and not _same(known, limit):
                first = check.limits.get(draft.metric, min(check.lines, default=line))
                self.conflicts.append(
                    Conflict(first, line, f"{draft.metric}: line {first} has {known}, line {line} has {limit}; {known} is taken")
                )
        merged = {**where, **{name: where.get(name) or new[name] for name in ("warn", "fail") if name in where or name in new}}
        whole = {**check.settings, key: merged} if key else {**check.settings, **merged}
        if not _makes_sense(merged) or not self._fits(check.kind, whole, check.base):
            return ""
        check.settings = whole
        check.limits.setdefault(draft.metric, line)
        check.lines[line] = None
        return f"checks.{check.name}" + (f".{key}" if key else "")

    # --- rules and other sections

    def _rule(self, draft: LimitDraft, line: int) -> str:
        when = draft.words
        known = next((rule for rule in self.rules.values() if rule.value.get("when") == when), None)
        other = None if known else next((rule for rule in self.rules.values() if line in rule.lines and joined(rule.value, draft)), None)
        if other is not None:
            other.value = joined(other.value, draft) or other.value
            return f"rules.{other.name}"
        if known is None and len(self.rules) >= _MOST:
            return ""
        if known is None:
            words = [word.capitalize() for word in slug(f"{draft.subject} {draft.metric}").split("-") if word]
            plain = "".join(words) or "Rule"
            name = unused(plain if plain not in self.rules else plain + draft.severity.capitalize(), self.rules)
            value: dict[str, Any] = {"alert": name, "when": when}
            if draft.severity:
                value["severity"] = draft.severity
            if draft.action:
                value["annotations"] = {"action": draft.action}
            if self._unsound("rules", value):
                return ""
            known = self.rules[name] = Rule(name, value)
        known.lines[line] = None
        return f"rules.{known.name}"

    def take_entry(self, draft: EntryDraft, line: int) -> str:
        """An entry of another section; one of the same name is completed."""
        if draft.section == "rules":  # a rule that the manual writes as Prometheus does
            if self._unsound("rules", {"alert": draft.name, **draft.value}):
                return ""
            rule = self.rules.setdefault(draft.name, Rule(draft.name, {"alert": draft.name, **draft.value}))
            rule.lines[line] = None
            return f"rules.{draft.name}"
        if self._unsound(draft.section, draft.value):
            return ""
        section = self.sections.setdefault(draft.section, {})
        name = draft.name if draft.section.startswith("incidents") else slug(draft.name) or draft.section
        value, lines = section.setdefault(name, ({}, {}))
        clashes = _complete(value, draft.value)
        if clashes and lines:
            self.conflicts.append(
                Conflict(min(lines), line, f"{draft.section}.{name}: {', '.join(clashes)} differ; line {min(lines)} counts")
            )
        lines[line] = None
        return f"{draft.section}.{name}"


def _frozen(value: Any) -> str:
    if isinstance(value, Mapping):
        return repr(sorted((key, _frozen(inner)) for key, inner in value.items()))
    return repr(list(value)) if isinstance(value, list | tuple) else repr(value)


def _same(one: object, other: object) -> bool:
    try:
        first, second = parse_comparison(str(one)), parse_comparison(str(other))
    except ValueError:
        return one == other
    return (first.operator, first.bound, first.unit) == (second.operator, second.bound, second.unit)


def _makes_sense(limits: Mapping[str, Any]) -> bool:
    """Whether the warning can be seen before the failure."""
    if "warn" not in limits or "fail" not in limits:
        return True
    try:
        return not parse_comparison(str(limits["fail"])).covers(parse_comparison(str(limits["warn"])))
    except ValueError:
        return False


def _complete(value: dict[str, Any], more: Mapping[str, Any]) -> list[str]:
    """Adds what is not there yet; gives the keys whose values differ."""
    clashes = []
    for key, new in more.items():
        old = value.get(key)
        if old is None:
            value[key] = dict(new) if isinstance(new, Mapping) else list(new) if isinstance(new, list | tuple) else new
        elif isinstance(old, dict) and isinstance(new, Mapping):
            clashes += [f"{key}.{inner}" for inner in _complete(old, new)]
        elif isinstance(old, list) and isinstance(new, list | tuple):
            old.extend(item for item in new if item not in old)
        elif old != new:
            clashes.append(key)
    return clashes


def ordered(checks: Iterable[Check]) -> list[Check]:
    """The checks in the order of the lines that they come from."""
    return sorted(checks, key=lambda check: (min(check.lines, default=0), check.name))
