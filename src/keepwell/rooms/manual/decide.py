"""From a manual's text to checks: every finding gets a fate. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .emit import operations_yaml
from .model import Asked, Draft, Expected, Fate, Found, Imported, Item, Left, Limited, Manual
from .read import read_manual
from .recognise.expected import read_expected
from .recognise.figures import read_figures
from .recognise.lines import read_lines

_EVERY = {"http": "30s", "process": "30s", "host": "1m", "command": "1m"}
_MOST_CHECKS = 1000
_LONGEST_NAME = 60


def import_manual(text: str, name: str, every: str | None = None) -> Imported:
    """What a manual becomes. ``name`` is what to call the document in comments and in the report; ``every`` how often each check is made
    (a duration; by default 30s or 1m, by kind). Any text is taken; nothing is raised."""
    manual = read_manual(text)
    service = slug(re.split(r"\s[-–—|]\s|:", manual.title)[0]) or slug(name.rpartition("/")[2].partition(".")[0]) or "service"
    findings = sorted(_findings(manual), key=lambda found: found.line)
    targets = _name_targets(found for found in findings if isinstance(found, Asked))
    assembly = _Assembly(targets, every)
    for kind in (Asked, Expected, Limited, Left):
        for found in findings:
            if isinstance(found, kind):
                assembly.take(found)
    checks = assembly.finished()
    items = tuple(sorted(assembly.items, key=lambda item: item.line))
    named = {target: base for base, target in targets.items()}
    left = sum(item.fate is Fate.NOT_IMPORTED for item in items)
    return Imported(name, service, operations_yaml(name, service, named, checks, left), checks, items, named)


def slug(text: str) -> str:
    """The text as a name may be written in keepwell.yaml: small letters, digits and hyphens; empty where nothing is left."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower())[:_LONGEST_NAME].strip("-")


def _findings(manual: Manual) -> Iterable[Found]:
    for fence in manual.fences:
        yield from read_lines(fence)
        yield from read_expected(fence)
    for table in manual.tables:
        yield from read_figures(table)


def _name_targets(asked: Iterable[Asked]) -> dict[str, str]:
    """A name for each address: ``api`` for the one whose health is asked first (or the first of all), else its host and
    port; for an address of the machine itself its scheme."""
    http = [found for found in asked if found.kind == "http"]
    health = next((found for found in http if "health" in found.settings["path"]), http[0] if http else None)
    names = {health.base: "api"} if health else {}
    for found in http:
        if found.base not in names and len(names) < _MOST_CHECKS:
            scheme, _, rest = found.base.partition("://")
            local = re.fullmatch(r"(127\.0\.0\.1|localhost)(:\d+)?", rest)
            names[found.base] = _unused(scheme if local else slug(rest) or scheme, names.values())
    return names


def _unused(wanted: str, taken: Iterable[str]) -> str:
    used = set(taken)
    return next(name for name in (wanted, *(f"{wanted}-{number}" for number in range(2, len(used) + 3))) if name not in used)


@dataclass(slots=True)
class _Assembly:
    """The checks so far, by identity (kind, address and settings as first written), and the fates so far."""

    targets: Mapping[str, str]
    every: str | None
    drafts: dict[str, Draft] = field(default_factory=dict)
    items: list[Item] = field(default_factory=list)
    metrics: dict[str, int] = field(default_factory=dict)
    lines: dict[str, dict[int, None]] = field(default_factory=dict)

    def finished(self) -> tuple[Draft, ...]:
        """The checks with all their lines, in the order of the lines they came from."""
        whole = (replace(draft, lines=tuple(self.lines[identity])) for identity, draft in self.drafts.items())
        return tuple(sorted(whole, key=lambda draft: draft.lines[0]))

    def take(self, found: Found) -> None:
        """Decides the fate of one finding. Those that ask come first, so that limits and expectations find their checks."""
        match found:
            case Asked():
                self._ask(found)
            case Expected():
                self._expect(found)
            case Limited():
                self._limit(found)
            case Left():
                self._note(found, Fate.NOT_IMPORTED, reason=found.reason)

    def _note(self, found: Found, fate: Fate, checks: tuple[str, ...] = (), reason: str = "") -> None:
        self.items.append(Item(found.line, found.text, fate, checks, reason))

    def _ask(self, found: Asked) -> None:
        identity = repr((found.kind, found.base, sorted(found.settings.items(), key=lambda pair: pair[0])))
        known = self.drafts.get(identity)
        if known:
            self.lines[identity][found.line] = None
            self._note(found, Fate.SAME, (known.name,))
        elif len(self.drafts) >= _MOST_CHECKS:
            self._note(found, Fate.NOT_IMPORTED, reason=f"there are {_MOST_CHECKS} checks already")
        else:
            draft = self._add(identity, self._name(found), found.kind, self._settings(found), found.line)
            self._note(found, Fate.CHECK, (draft.name,), found.note)

    def _add(self, identity: str, name: str, kind: str, settings: Mapping[str, Any], line: int) -> Draft:
        draft = Draft(_unused(name, (other.name for other in self.drafts.values())), kind, settings, self.every or _EVERY[kind], (line,))
        self.drafts[identity] = draft
        self.lines[identity] = {line: None}
        return draft

    def _settings(self, found: Asked) -> Mapping[str, Any]:
        return {"target": self.targets[found.base], **found.settings} if found.kind == "http" else found.settings

    def _name(self, found: Asked) -> str:
        settings = found.settings
        match found.kind:
            case "http":
                target = self.targets[found.base]
                path = slug(settings["path"]) or "root"
                return path if target == "api" else f"{target}-{path}"
            case "host":
                return ("inodes-" if "inodes" in settings else "disk-") + (slug(settings["mount"]) or "root")
            case "process":
                pattern = settings.get("match") or settings["name"]
                return f"process-{slug(pattern.rpartition('/')[2]) or 'pattern'}"
            case _:
                return f"unit-{slug(settings['run'][-1].removesuffix('.service')) or 'service'}"

    def _expect(self, found: Expected) -> None:
        health = self._health()
        if health is None:
            self._note(found, Fate.NOT_IMPORTED, reason="there is no check of a health endpoint to expect it of")
        elif "expect" in self.drafts[health].settings:
            self._note(found, Fate.NOT_IMPORTED, reason=f"{self.drafts[health].name} has what it expects from an earlier block")
        else:
            self._give([health], {"expect": {"status": 200, **found.conditions}}, found, Fate.EXPECTATION)

    def _limit(self, found: Limited) -> None:
        if found.metric in self.metrics:
            earlier = self.metrics[found.metric]
            self._note(found, Fate.NOT_IMPORTED, reason=f"line {earlier} gives limits for the {found.metric} already")
            return
        identities, settings = self._bearers(found)
        if not identities:
            self._note(found, Fate.NOT_IMPORTED, reason=f"there is no check that measures the {found.metric}")
            return
        self.metrics[found.metric] = found.line
        self._give(identities, settings, found, Fate.LIMIT)

    def _bearers(self, found: Limited) -> tuple[list[str], Mapping[str, Any]]:
        """Which checks bear the limits, by identity, and how they write them. Where none looks at it, a host check is made."""
        processes = [identity for identity, draft in self.drafts.items() if draft.kind == "process"][:1]
        mounts = [identity for identity, draft in self.drafts.items() if "mount" in draft.settings]
        health = self._health()
        match found.metric:
            case "response time":
                return [health] if health else [], found.limits
            case "disk":
                return mounts or [self._host_check("disk-root", {"mount": "/"}, found.line)], found.limits
            case "memory" if found.unit == "size":
                return processes, {"memory": found.limits}
            case "cpu" if processes:
                return processes, {"cpu": found.limits}
            case metric:
                return [self._host_check(metric, {}, found.line)], {metric: found.limits}

    def _host_check(self, name: str, settings: Mapping[str, Any], line: int) -> str:
        self._add(name, name, "host", settings, line)
        return name

    def _health(self) -> str | None:
        """The identity of the check of the primary health endpoint: the first one of ``api`` whose path speaks of health."""
        http = ((identity, draft.settings) for identity, draft in self.drafts.items() if draft.kind == "http")
        return next((identity for identity, settings in http if settings["target"] == "api" and "health" in settings["path"]), None)

    def _give(self, identities: Iterable[str], settings: Mapping[str, Any], found: Found, fate: Fate) -> None:
        for identity in identities:
            draft = self.drafts[identity]
            self.drafts[identity] = replace(draft, settings={**draft.settings, **settings})
            self.lines[identity][found.line] = None
        self._note(found, fate, tuple(self.drafts[identity].name for identity in identities))
