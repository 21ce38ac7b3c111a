"""From a manual's bytes to an operations directory: every item gets a fate, drafts become entries, procedures become runbooks. Pure."""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from keepwell.rooms.manual.lint.decide import Choice, lint
from keepwell.rooms.manual.lint.model import Finding
from keepwell.rooms.manual.lint.registry import some_rules
from keepwell.rooms.manual.reading.document import read_manual
from keepwell.rooms.manual.reading.model import Kind, Manual
from keepwell.rooms.manual.reading.text import read_text

from .amend import BACKUPS_EVERY, EVERYWHERE, RULES, amend
from .backup_places import place_listed
from .boxes import find_boxes, place_boxes
from .emit_runbook import runbook_text
from .emit_yaml import operations_yaml
from .entries import Entries, Sound
from .fence_fates import settle_fences
from .figures import measure_objectives
from .forms import DOMAIN
from .key_figures import take_key_figures
from .model import Amendment, CheckDraft, Disposition, EntryDraft, ExpectDraft, Fate, LimitDraft, Missing, Outcome, TaskDraft, View, Wanting
from .names import slug
from .outcomes import Recognisers
from .placeholders import missing_in
from .playbooks import place_playbooks
from .provided import taken_over
from .registry import all_recognisers
from .result import CONFIGURATION, Imported, MissingInput
from .runbooks import Runbook, make_runbooks
from .tasks import take_task
from .views import views

_SCRIPTED = (Kind.COMMAND, Kind.ASSIGNMENT, Kind.STATEMENT)
_PASTED = frozenset(("host", DOMAIN, "url", "path", "email"))
"""Forms of values that cannot mean anything to a shell, so that they may stand where the placeholder stood."""


def import_manual(
    data: bytes,
    name: str,
    values: Mapping[str, str] | None = None,
    findings: Sequence[Finding] | None = None,
    every: str | None = None,
    sound: Sound | None = None,
) -> Imported:
    """What a manual becomes.

    ``name`` is what to call it, ``values`` what was filled in by the names of what was missing, ``findings`` those of lint where they are
    known already, ``every`` how often each check is made (default: by kind). Raises UsageError where the bytes are no manual.
    """
    known = values or {}
    manual = _filled(read_manual(data, name), data, known)
    found = lint(manual, some_rules(RULES), Choice(RULES)).findings if findings is None else findings
    seen = list(views(manual, known))
    outcomes = settle_fences(_judge(seen, found))
    entries = Entries(every, sound)
    outcomes = take_key_figures(manual, _place_checks(outcomes, entries), entries)
    measure_objectives(entries)
    runbooks = make_runbooks(manual, outcomes)
    place_playbooks(entries.sections.get("incidents.severities", {}), runbooks)
    outcomes = _place_rest(outcomes, entries, runbooks)
    find_boxes(manual, outcomes, runbooks)
    service = slug(re.split(r"\s[-–—|]\s|:", manual.title)[0]) or slug(name.rpartition("/")[2].partition(".")[0]) or "service"
    missing = _missing(outcomes)
    files = {CONFIGURATION: operations_yaml(name.rpartition("/")[2], service, entries, _waiting(outcomes))}
    environment = {key: known[key] for key in known if re.fullmatch(r"[A-Z][A-Z0-9_]*", key)}
    for runbook in runbooks:
        others = [other.section for other in runbooks if runbook.section.line < other.section.line <= runbook.section.end_line]
        used = {key: value for key, value in environment.items() if key in runbook.shell}
        files[runbook.path] = runbook_text(manual, runbook, others, used)
    outcomes = place_boxes(manual, outcomes, runbooks, files)
    counts = {
        "checks": len(entries.checks),
        "rules": len(entries.rules),
        "tasks": len(entries.sections.get("tasks", {})),
        "runbooks": len(runbooks),
    }
    return Imported(manual, name, service, files, tuple(outcomes), missing, tuple(entries.conflicts), counts)


def _filled(manual: Manual, data: bytes, values: Mapping[str, str]) -> Manual:
    """The manual with the values that a person gave where their placeholders stood. Lines stay what they are."""
    if not values:
        return manual
    # The lines of the manual are cut to a length that rules can bear; steps must stay whole.
    text = "\n".join(read_text(data, manual.name).lines) + "\n"
    wanted = {missing.name: missing for view in views(manual) for missing in missing_in(view) if not missing.written.startswith("$")}
    for name, missing in wanted.items():
        if name in values and missing.form in _PASTED:
            # A secret never stands in the text: the step finds it in its environment.
            new = values[name] if missing.wanting is Wanting.VALUE else "${" + name + ":?}"
            text = re.sub(re.escape(missing.written), new.replace("\\", r"\\"), text, flags=re.IGNORECASE)
    return read_manual(text.encode("utf-8", "surrogatepass"), manual.name)


def _judge(seen: Sequence[View], findings: Sequence[Finding]) -> list[Outcome]:
    recognisers = Recognisers(all_recognisers())
    by_line: dict[int, list[Finding]] = defaultdict(list)
    once = [finding for finding in findings if finding.rule in EVERYWHERE]
    for finding in findings:
        by_line[finding.line].append(finding)
    outcomes = []
    for view in seen:
        found = recognisers.find(view)
        own = [finding for line in range(view.item.line, view.item.end_line + 1) for finding in by_line.get(line, ())]
        again = [finding for finding in once if EVERYWHERE[finding.rule] in view.item.text and finding not in own]
        own += [replace(finding, message=finding.message.rpartition(": ")[2]) for finding in again]
        amendments: tuple[Amendment, ...] = ()
        if own and view.item.kind not in (Kind.FENCE, Kind.HEADING):
            found, amendments = amend(view, found, own)
        outcomes.append(Outcome(view.item, found, "", amendments))
    return outcomes


def _place_checks(outcomes: Sequence[Outcome], entries: Entries) -> list[Outcome]:
    """Checks first, so that what they expect and their limits find them; limits in scripts before those in prose."""
    placed = list(outcomes)

    def each(kind: type, take: Callable[[Any, int], Any], only: Callable[[Outcome], bool] = lambda outcome: True) -> None:
        for at, outcome in enumerate(placed):
            wanted = only(outcome) and outcome.found.disposition is not Disposition.REFUSED
            for draft in [draft for draft in outcome.found.drafts if wanted and isinstance(draft, kind)]:
                placed[at] = _at(placed[at], take(draft, outcome.item.line))

    each(CheckDraft, entries.take_check, lambda outcome: outcome.found.disposition is not Disposition.MISSING)
    each(ExpectDraft, entries.take_expectation)
    each(LimitDraft, entries.take_limit, lambda outcome: outcome.item.kind in _SCRIPTED)
    each(LimitDraft, entries.take_limit, lambda outcome: outcome.item.kind not in _SCRIPTED)
    each(EntryDraft, entries.take_entry)
    for value, _ in entries.sections.get("backups", {}).values():
        value.setdefault("every", BACKUPS_EVERY)
    place_listed(entries.sections.get("backups", {}), entries.sections.get("repositories", {}))
    return placed


def _place_rest(outcomes: Sequence[Outcome], entries: Entries, runbooks: Sequence[Runbook]) -> list[Outcome]:
    placed = []
    for outcome in outcomes:
        for draft in outcome.found.drafts:
            if isinstance(draft, TaskDraft):
                place, work = take_task(draft, outcome.item, runbooks, entries)
                found = taken_over(outcome.found, draft.script, work) if work else outcome.found
                outcome = _at(replace(outcome, found=found), place)
        if outcome.found.fate not in (Fate.NARRATIVE, Fate.UNRECOGNISED):
            outcome = _at(outcome, _in_runbook(outcome, runbooks))
        placed.append(outcome)
    return placed


def _in_runbook(outcome: Outcome, runbooks: Sequence[Runbook]) -> str:
    """The step that carries the item, or the runbook in whose text it stands; empty where it has a better place or no runbook holds it."""
    item = outcome.item
    if item.kind in (Kind.HEADING, Kind.FENCE) or (outcome.place and item.kind not in _SCRIPTED):
        return ""
    around = [runbook for runbook in runbooks if runbook.section.line <= item.line <= runbook.section.end_line]
    for runbook in reversed(around):
        step = runbook.step_at(item.line)
        if step is not None:
            return f"{runbook.path}#{step.name}"
    return around[-1].path if around else ""


def _at(outcome: Outcome, place: str | tuple[str, ...]) -> Outcome:
    new = [place] if isinstance(place, str) else list(place)
    whole = [part for part in dict.fromkeys((*outcome.place.split(", "), *new)) if part]
    return replace(outcome, place=", ".join(whole))


def _missing(outcomes: Sequence[Outcome]) -> tuple[MissingInput, ...]:
    inputs: dict[str, Missing] = {}
    lines: dict[str, dict[int, None]] = defaultdict(dict)
    for outcome in outcomes:
        for missing in outcome.found.missing:
            if missing.form == DOMAIN or missing.name not in inputs:
                inputs[missing.name] = missing
            lines[missing.name][outcome.item.line] = None
    return tuple(MissingInput(missing, tuple(lines[name])) for name, missing in inputs.items())


def _waiting(outcomes: Sequence[Outcome]) -> list[str]:
    """What would be a check and waits for a value."""
    sentences = []
    for outcome in outcomes:
        if outcome.found.disposition is Disposition.MISSING and any(isinstance(draft, CheckDraft) for draft in outcome.found.drafts):
            names = " and ".join(missing.name for missing in outcome.found.missing)
            sentences.append(f"the check of line {outcome.item.line} needs {names} (keepwell fill asks for it)")
    return sentences
