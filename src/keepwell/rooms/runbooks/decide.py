"""Pure: what is to happen next in a run, what a person's word changes, and what comes of a step that has ended."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from keepwell.kernel.problems import Refused, UsageError
from keepwell.kernel.quoting import quoted
from keepwell.kernel.redaction import redact_patterns
from keepwell.ports.permission import Deed
from keepwell.ports.scripts import Ended
from keepwell.ports.work import Outcome, Performed

from .model import ENDED, Prepared, Ready, Run, State, StepRun, Way
from .prepare import digest_of

USUAL_TIMEOUT = timedelta(hours=1)
"""How long a step may take that says nothing else."""

SERVICE_TIMEOUT = timedelta(minutes=5)
"""The same for one that goes through the manager of a service: systemd itself gives stopping and starting 90 s each."""

STATUS_TIMEOUT = timedelta(seconds=30)
"""The same for one that only asks how a service stands."""

_OVER = (State.DONE, State.SKIPPED)


@dataclass(frozen=True, slots=True)
class Begin:
    """The step is begun."""

    step: StepRun
    prepared: Prepared


@dataclass(frozen=True, slots=True)
class Recover:
    """The step was begun by a process that is gone: what came of it has to be found out."""

    step: StepRun
    prepared: Prepared | None


@dataclass(frozen=True, slots=True)
class Ask:
    """The step needs a permission."""

    step: StepRun
    prepared: Prepared
    deed: Deed


@dataclass(frozen=True, slots=True)
class Wait:
    """The step waits for a person; the sentence says for what."""

    step: StepRun
    sentence: str


@dataclass(frozen=True, slots=True)
class Leave:
    """The step is left out."""

    step: StepRun
    sentence: str


@dataclass(frozen=True, slots=True)
class Finish:
    """The run has ended."""

    state: State
    sentence: str


Move = Begin | Recover | Ask | Wait | Leave | Finish


def refusal(ready: Ready, skip: Sequence[str]) -> str:
    """Why a run would not even begin, in one sentence: before its first step does anything, every step is known to be one that may be
    done. Empty where it may begin."""
    if ready.fault:
        return f"{ready.path} cannot be run: {ready.fault}"
    unknown = [name for name in skip if ready.step(name) is None]
    if unknown:
        return f'it has no step called "{unknown[0]}" that could be left out'
    wanted = [prepared for prepared in ready.steps if prepared.name not in skip]
    for prepared in wanted:
        if prepared.way is Way.REFUSED:
            return f"step {prepared.step.number} ({prepared.name}) is refused: {prepared.why}"
    for prepared in wanted:
        if prepared.executable is not None and prepared.why_not:
            return f"step {prepared.step.number} ({prepared.name}) waits for acceptance: {prepared.why_not}"
    return ""


def first_steps(ready: Ready, skip: Sequence[str], by: str, confirmed: bool) -> tuple[StepRun, ...]:
    """The steps of a new run."""
    return tuple(_first_step(prepared, skip, by, confirmed) for prepared in ready.steps)


def _first_step(prepared: Prepared, skip: Sequence[str], by: str, confirmed: bool) -> StepRun:
    step = prepared.step
    title = step.text if prepared.way is Way.PERSON and "\n" not in step.text else step.name
    made = StepRun(step.number, step.name, title, prepared.way, digest=digest_of(prepared), confirmed=confirmed)
    return replace(made, state=State.SKIPPED, by=by, sentence="left out when it was started") if step.name in skip else made


def next_move(run: Run, ready: Ready) -> Move:
    """What is to happen next. ``ready`` is the runbook as it stands now: a step that has not begun is done as it is written now, if that
    is accepted."""
    step = next((step for step in run.steps if step.state not in _OVER), None)
    if step is None:
        return Finish(State.DONE, _done(run))
    prepared = ready.step(step.name)
    if step.state is State.RUNNING:
        return Recover(step, prepared)
    if step.state in ENDED:
        return Finish(State.FAILED, f"step {step.number} ({step.name}) failed: {step.sentence}")
    if step.state is State.ASKS:
        return Wait(step, step.sentence)
    if prepared is None:
        return Wait(step, ready.fault or f"{run.runbook} no longer has a step called {step.name}")
    return _begin(run, step, prepared)


def _begin(run: Run, step: StepRun, prepared: Prepared) -> Move:
    match prepared.way:
        case Way.ELSEWHERE:
            return Leave(step, prepared.why)
        case Way.PERSON:
            return Wait(step, "a person does it, and ticks it")
        case Way.MISSING:
            return Wait(step, f"{prepared.why}: put it in the runbook (keepwell fill), or leave the step out")
        case Way.REFUSED:
            return Wait(step, f"it is refused: {prepared.why}")
        case _:
            return _run_it(run, step, prepared)


def _run_it(run: Run, step: StepRun, prepared: Prepared) -> Move:
    if prepared.why_not:
        return Wait(step, f"it waits for acceptance: {prepared.why_not}")
    unknown = [name for name in prepared.step.asks if name not in run.arguments]
    if unknown:
        return Wait(step, f"it asks for {' and '.join(unknown)}")
    if prepared.danger:
        return Ask(step, prepared, _deed(run, step, prepared))
    return Begin(step, prepared)


def _deed(run: Run, step: StepRun, prepared: Prepared) -> Deed:
    """What a person decides: the text, and the values that were given for what it asks for. With others it is another deed, and that of
    whoever gave them: what is destroyed is theirs to say and another's to permit."""
    given = {name: run.arguments[name] for name in sorted(prepared.step.asks)}
    values = ", ".join(f"{name}={quoted(value)}" for name, value in given.items())
    what = f"step {step.number} ({step.name}) of {run.runbook}: it {prepared.danger}{f', with {redact_patterns(values)}' if given else ''}"
    exactly = sha256(json.dumps([digest_of(prepared), given]).encode()).hexdigest() if given else digest_of(prepared)
    by = run.answered_by if given and run.answered_by else run.by
    return Deed(f"{run.subject}/{step.name}", what, by, exactly, step.confirmed and by == run.by)


def _done(run: Run) -> str:
    by_state = [step.state for step in run.steps]
    done, skipped = by_state.count(State.DONE), by_state.count(State.SKIPPED)
    return f"{done} {'step' if done == 1 else 'steps'} done" + (f", {skipped} left out" if skipped else "")


# --- how a run changes -------------------------------------------------------------------------------------------------------


def with_step(run: Run, step: StepRun) -> Run:
    """The run with another value of a step."""
    return replace(run, steps=tuple(step if one.number == step.number else one for one in run.steps))


def timeout_of(prepared: Prepared) -> timedelta:
    """How long a step may take."""
    if prepared.step.timeout:
        return prepared.step.timeout
    if prepared.service is None:
        return USUAL_TIMEOUT
    return STATUS_TIMEOUT if prepared.service.verb == "status" else SERVICE_TIMEOUT


def began(run: Run, move: Begin, ticket: str, now: datetime, instance: str = "") -> Run:
    """The step runs now; ``instance`` is which start of its unit there is before it."""
    prepared = move.prepared
    step = replace(
        move.step,
        state=State.RUNNING,
        attempt=move.step.attempt + 1,
        ticket=ticket,
        digest=digest_of(prepared),
        accepted_by=prepared.accepted_by,
        began_at=now,
        deadline=now + timeout_of(prepared),
        instance=instance,
        ended_at=None,
        status=None,
        sentence="",
    )
    return replace(with_step(run, step), state=State.RUNNING, sentence=f"step {step.number} ({step.name})", began_at=run.began_at or now)


def ended(run: Run, step: StepRun, state: State, sentence: str, now: datetime, *, status: int | None = None) -> Run:
    """The step has ended, or asks."""
    over = now if state in ENDED else None
    return with_step(run, replace(step, state=state, sentence=sentence, ended_at=over, status=status))


def waits(run: Run, step: StepRun, sentence: str) -> Run:
    """The run waits for a person at this step."""
    state = State.ASKS if step.state is State.ASKS else State.WAITING
    told = with_step(run, replace(step, sentence=sentence))
    return replace(told, state=state, sentence=f"step {step.number} ({step.name}): {sentence}")


def finished(run: Run, move: Finish, now: datetime) -> Run:
    """The run has ended."""
    return replace(run, state=move.state, sentence=move.sentence, ended_at=now)


def judged(result: Ended, timeout: timedelta) -> tuple[State, str]:
    """What came of a step's script, and one sentence."""
    if result.lost:
        return State.ASKS, "Keepwell was interrupted while it ran, and nothing tells how it ended: look, and say what next"
    if result.timed_out:
        return State.FAILED, f"it was ended after {timeout.total_seconds():g} s, its time limit"
    if result.status == 0:
        return State.DONE, ""
    return State.FAILED, f"it ended with status {result.status}"


def verified(effect: bool | None, said: str) -> tuple[State, str]:
    """What comes of a step that ended well, by what its verification says (None: it could not be asked, which is no fault of the step)."""
    if effect:
        return State.DONE, said
    return State.FAILED, f"it ended well, and {'its effect is not there' if effect is False else 'nobody can tell its effect'}: {said}"


def after_a_crash(step: StepRun, prepared: Prepared | None, effect: bool | None) -> State:
    """What becomes of a step of which nobody knows how it ended. ``effect``: what its verification says, None where it has none or that
    could not be asked. There: it is done. Not there, or it may be done twice: it begins again. Else a person is asked."""
    if effect is True:
        return State.DONE
    if effect is False or (prepared is not None and prepared.step.idempotent):
        return State.WAITING
    return State.ASKS


# --- what people say ---------------------------------------------------------------------------------------------------------


def current(run: Run) -> StepRun | None:
    """The step at which the run stands."""
    return next((step for step in run.steps if step.state not in _OVER), None)


def tick(run: Run, name: str, by: str, note: str, now: datetime) -> Run:
    """A person did a step of theirs. The lines of a checklist may be ticked in any order. Raises Refused."""
    step = run.step(name)
    if step is None:
        raise UsageError(f"run {run.number} has no step called {name}", hint=f"it has {', '.join(one.name for one in run.steps)}")
    if step.way is not Way.PERSON:
        raise Refused(f"step {step.number} ({name}) is not done by a person", hint="keepwell runs resume says what next")
    if step.state is not State.WAITING or run.state in ENDED:
        raise Refused(f"step {step.number} ({name}) is {(step if step.state is not State.WAITING else run).state.value} already")
    first = next((one for one in run.steps if one.number < step.number and one.state not in _OVER and one.way is not Way.PERSON), None)
    if first is not None:
        raise Refused(f"step {first.number} ({first.name}) comes before it, and is {first.state.value}")
    # What the run waited for, it does not wait for any more.
    waited = replace(run, sentence="") if step is current(run) else run
    return with_step(waited, replace(step, state=State.DONE, by=by, note=note, ended_at=now, began_at=step.began_at or now, sentence=""))


def resume(run: Run, what: str, by: str, note: str, now: datetime) -> Run:
    """What a person says of the step at which a run stands: ``repeat``, ``skip`` or ``stop``. Raises Refused where that makes no sense."""
    step = current(run)
    if step is None or run.state in (State.DONE, State.REFUSED):
        raise Refused(f"run {run.number} is {run.state.value} already")
    if step.state is State.RUNNING:
        raise Refused(f"step {step.number} ({step.name}) runs: wait for its end")
    if what == "stop":
        stopped = replace(step, by=by, note=note)
        return replace(
            with_step(run, stopped), state=State.FAILED, sentence=f"stopped by {by}" + (f": {note}" if note else ""), ended_at=now
        )
    if what == "repeat" and step.state not in (State.FAILED, State.ASKS):
        raise Refused(f"step {step.number} ({step.name}) has not begun yet, so there is nothing to repeat")
    if what == "repeat":
        changed = replace(step, state=State.WAITING, by=by, note=note, ended_at=None, sentence="")
    else:
        changed = replace(step, state=State.SKIPPED, by=by, note=note, ended_at=now, sentence=f"left out by {by}")
    return replace(with_step(run, changed), state=State.WAITING, sentence="", ended_at=None)


def answer(run: Run, arguments: Mapping[str, str], by: str) -> Run:
    """A person gave what steps ask for. Raises Refused for a run that has ended."""
    if run.state in ENDED:
        raise Refused(f"run {run.number} is {run.state.value} already")
    sentence = "" if run.state is State.WAITING else run.sentence
    return replace(run, arguments={**run.arguments, **arguments}, sentence=sentence, answered_by=by)


def asked_for(ready: Ready) -> Iterator[str]:
    """The names of what each run is asked for, each once."""
    yield from dict.fromkeys(name for prepared in ready.steps for name in prepared.step.asks)


def performed(run: Run) -> Performed:
    """What came of a run, in the words of whoever asked for it."""
    outcome = {State.DONE: Outcome.DONE, State.FAILED: Outcome.FAILED, State.REFUSED: Outcome.REFUSED}.get(run.state, Outcome.WAITING)
    seconds = (run.ended_at - run.began_at).total_seconds() if run.ended_at and run.began_at else 0.0
    return Performed(outcome, run.sentence, run.subject, {"seconds": seconds} if run.ended_at else {})


def same(run: Run, step: StepRun) -> StepRun:
    """The step as it is in another value of the run."""
    return next(one for one in run.steps if one.number == step.number)


def again(run: Run, step: StepRun) -> Run:
    """The run with a step that may begin (again)."""
    return with_step(run, replace(same(run, step), state=State.WAITING, sentence=""))
