"""Which findings a manual has: rules run, allowances and choices honoured, one finding a rule and line. Pure."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace

from keepwell.rooms.manual.reading.model import Manual

from .allow import allowances
from .model import Finding, Rule, Severity

_RANK = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}


@dataclass(frozen=True, slots=True)
class Choice:
    """Which rules count, by prefixes of their ids (``KW1``, ``KW101``, ``SC``). Of a rule that is selected and ignored the longer prefix
    decides."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()

    def takes(self, rule: str) -> bool:
        """Whether findings of the rule count."""
        wanted = max((len(prefix) for prefix in self.select if rule.startswith(prefix)), default=-1 if self.select else 0)
        unwanted = max((len(prefix) for prefix in self.ignore if rule.startswith(prefix)), default=-1)
        return (wanted >= 0 and wanted > unwanted) or (unwanted < 0 <= wanted)

    def may_take(self, prefix: str) -> bool:
        """Whether findings of any rule with this prefix may count."""
        return self.takes(prefix) or any(wanted.startswith(prefix) for wanted in self.select)


@dataclass(frozen=True, slots=True)
class Fault:
    """A rule that broke instead of judging: our fault, not the manual's."""

    rule: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Linted:
    """What came of a manual: findings by line, how many were allowed in the text or known from the baseline, and the rules that broke."""

    manual: Manual
    findings: tuple[Finding, ...]
    allowed: int = 0
    known: int = 0
    faults: tuple[Fault, ...] = ()


def lint(
    manual: Manual, rules: Sequence[Rule], choice: Choice = Choice(), more: Iterable[Finding] = (), baseline: Set[str] = frozenset()
) -> Linted:
    """Runs the rules over a manual. ``more`` are findings from elsewhere (ShellCheck's); ``baseline`` the fingerprints that are known."""
    found: list[Finding] = []
    faults: list[Fault] = []
    for rule in rules:
        if not choice.takes(rule.id):
            continue
        try:
            found += [_whole(finding, rule, manual) for finding in rule.check(manual)]
        except Exception as error:  # one rule's fault must not hide what the others found
            faults.append(Fault(rule.id, f"{rule.id} broke on {manual.name}: {type(error).__name__}: {error}"))
    found += [finding for finding in more if choice.takes(finding.rule)]
    allowed = allowances(manual)
    ordered = _ordered(found)
    kept = [finding for finding in ordered if not any(part.covers(finding.rule, finding.line) for part in allowed)]
    new = [finding for finding, mark in zip(kept, fingerprints(manual, kept), strict=True) if mark not in baseline]
    return Linted(manual, tuple(new), len(ordered) - len(kept), len(kept) - len(new), tuple(faults))


def fingerprints(manual: Manual, findings: Sequence[Finding]) -> Iterator[str]:
    """What a finding is known by although lines move: its manual, its rule, the text of its line, and which of several alike it is."""
    seen: Counter[tuple[str, str]] = Counter()
    for finding in findings:
        text = re.sub(r"\s+", " ", manual.line_text(finding.line)).strip()
        seen[finding.rule, text] += 1
        known_by = "\0".join((manual.name, finding.rule, text, str(seen[finding.rule, text])))
        yield hashlib.sha256(known_by.encode("utf-8", "surrogatepass")).hexdigest()[:20]


def _whole(finding: Finding, rule: Rule, manual: Manual) -> Finding:
    """A rule's finding with what the framework knows, its lines inside the manual."""
    line = min(max(1, finding.line), max(1, len(manual.lines)))
    end = min(max(line, finding.end_line), max(1, len(manual.lines)))
    return replace(finding, line=line, end_line=end, rule=rule.id, severity=finding.severity or rule.severity)


def _ordered(found: Sequence[Finding]) -> list[Finding]:
    """By line, the weightier first; one finding a rule and line."""
    ordered = sorted(found, key=lambda finding: (finding.line, _RANK[finding.severity or Severity.NOTE], finding.rule, finding.column))
    first: dict[tuple[str, int], Finding] = {}
    for finding in ordered:
        first.setdefault((finding.rule, finding.line), finding)
    return list(first.values())
