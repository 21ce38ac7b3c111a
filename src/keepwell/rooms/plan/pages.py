"""A plan as lines for a terminal: compact, each with its style. Nothing in a line is obeyed by a terminal."""

from collections.abc import Iterator
from datetime import UTC, timedelta

from keepwell.config.runbooks import SHELLS, Runbook, Step
from keepwell.kernel.durations import format_duration

from .decide import runs
from .lines import MOST, WIDEST, Line, column, count, finished, first_command, first_line, some
from .model import Plan, PlannedCheck, Waiting, Wanted
from .task_lines import task_lines
from .views import counts

MOST_RUNBOOKS = 30
MOST_MISSING = 50
SHELL = (*SHELLS, "zsh", "console")


def lines(plan: Plan) -> Iterator[Line]:
    """The whole plan, shortened where there is much of the same."""
    parts = (_summary, _checks, task_lines, _runbooks, _windows, _waiting, _missing)
    for number, part in enumerate(parts):
        found = list(part(plan))
        if found and number:
            yield "", ""
        yield from finished(found)


def _summary(plan: Plan) -> Iterator[Line]:
    counted = counts(plan)
    made = [count(counted[key], key.removesuffix("s")) for key in ("checks", "tasks", "runbooks")]
    left = [f"{counted['waiting']:,} waiting for acceptance", f"{counted['missing']:,} missing"]
    left += [count(counted["faults"], "fault")] if counted["faults"] else []
    yield f"{plan.operated.service}: {', '.join(made)}; {', '.join(left)}", "strong"
    days = count((plan.until - plan.after) // timedelta(days=1), "day")
    yield f"{days} from {plan.after.astimezone(UTC):%Y-%m-%d %H:%M} UTC. This is a plan: nothing was run.", "dim"
    if plan.dispositions:
        fared = ", ".join(f"{number:,} {name}" for name, number in plan.dispositions.items())
        yield f"items of the manual: {fared}", "dim"
    yield from ((fault, "warn") for fault in plan.faults)


def _checks(plan: Plan) -> Iterator[Line]:
    groups: dict[timedelta, list[PlannedCheck]] = {}
    for check in plan.operated.checks:
        groups.setdefault(check.every, []).append(check)
    if groups:
        yield f"Checks, made by keepwell up on {plan.operated.host} as {plan.operated.user}", "strong"
    width = column(check.name for check in plan.operated.checks)
    for every in sorted(groups):
        yield f"  every {format_duration(every)}: {count(len(groups[every]), 'check')}", ""
        yield from some(groups[every], lambda check: _check(check, width), "    ")


def _check(check: PlannedCheck, width: int) -> Line:
    waits = check.text is not None and check.accepted_by is None
    state = "" if check.text is None else "  (waits for acceptance)" if waits else f"  (accepted by {check.accepted_by})"
    return f"    {check.name:{width}}  {check.kind:7}  {first_line(check.looks_at)}{state}", "warn" if waits else ""


def _runbooks(plan: Plan) -> Iterator[Line]:
    by_path = runs(plan.tasks)
    scheduled = [runbook for runbook in plan.runbooks if runbook.path in by_path and runbook.steps]
    if scheduled:
        yield "What the tasks would run: each step's operation, or shell exactly as it stands", "strong"
    for runbook in scheduled[:MOST_RUNBOOKS]:
        yield f"  {runbook.path}  (for {', '.join(by_path[runbook.path][:5])})", ""
        widths = column(step.name for step in runbook.steps), column(_what(step) for step in runbook.steps)
        yield from (_step(step, *widths) for step in runbook.steps)
    if len(scheduled) > MOST_RUNBOOKS:
        yield f"  and {len(scheduled) - MOST_RUNBOOKS:,} runbooks more (--json has all)", "dim"
    others = [runbook for runbook in plan.runbooks if runbook.path not in by_path]
    if others:
        yield f"Runbooks that no task runs: {len(others):,}", "strong"
        yield from some(others, _other, "  ", MOST_RUNBOOKS)


def _what(step: Step) -> str:
    return step.operation or ("shell" if step.language in SHELL else step.language)


def _step(step: Step, names: int, whats: int) -> Line:
    rule = f" ({step.rule})" if step.rule else ""
    fate = "" if step.disposition == "carried" else f"{step.disposition.upper()}{rule}: "
    text = f"    {step.number:>2} {step.name:{names}}  {_what(step):{whats}}  {fate}{first_command(step.text)}"
    return text, "" if step.disposition in ("carried", "corrected") else "warn"


def _other(runbook: Runbook) -> Line:
    if runbook.fault:
        return f"  {runbook.fault}", "warn"
    return f"  {runbook.path}  {count(len(runbook.steps), 'step') if runbook.steps else 'no step'}  {runbook.title}", ""


def _windows(plan: Plan) -> Iterator[Line]:
    windows = plan.operated.windows
    if windows:
        yield "Windows; what is down in them does not count against availability", "strong"
    width = column(windows)
    for name, window in windows.items():
        yield f"  {name:{width}}  {window} {window.zone.key}", ""


def _waiting(plan: Plan) -> Iterator[Line]:
    waiting = plan.operated.waiting
    if waiting:
        yield f"Waiting for acceptance: {count(len(waiting), 'text')} (keepwell accept {plan.directory} shows them whole)", "strong"
    for one in waiting[:MOST]:
        yield from _text_that_waits(one)
    if len(waiting) > MOST:
        yield f"  and {len(waiting) - MOST:,} more (--json has all)", "dim"


def _text_that_waits(one: Waiting) -> Iterator[Line]:
    target = f", target {one.target}" if one.target else ""
    yield f"  {one.name}  on {one.host} as {one.user}{target}: {one.why}", "warn"
    text = one.text.splitlines()
    yield from ((f"      {line}", "") for line in text[:3])
    if len(text) > 3:
        yield f"      and {count(len(text) - 3, 'line')} more", "dim"


def _missing(plan: Plan) -> Iterator[Line]:
    if not plan.missing:
        return
    yield f"Missing: {count(len(plan.missing), 'thing')} that nobody supplied", "strong"
    width = column(wanted.name for wanted in plan.missing)
    yield from some(plan.missing, lambda wanted: _wanted(wanted, width), "  ", MOST_MISSING)


def _wanted(wanted: Wanted, width: int) -> Line:
    numbers = ", ".join(map(str, wanted.lines[:6])) + (", …" if len(wanted.lines) > 6 else "")
    where = f"line{'s' if len(wanted.lines) > 1 else ''} {numbers}" if wanted.lines else ", ".join(wanted.places[:2])
    place = f"{where}: " if where else ""
    return f"  {wanted.name:{width}}  {wanted.wanting or 'unknown':8}  {place}{first_line(wanted.asks or wanted.written, WIDEST)}", ""
