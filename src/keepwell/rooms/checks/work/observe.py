"""One look at one target: put the questions, hand the answers to the driver, and say honestly whose fault a failure is."""

import asyncio
import logging
from dataclasses import replace
from typing import Any, assert_never

from keepwell.kernel.problems import AnswerError, AskError
from keepwell.kernel.redaction import redact_patterns
from keepwell.kernel.states import State
from keepwell.ports.databases import Query
from keepwell.ports.host import Host
from keepwell.ports.http import Request
from keepwell.ports.names import Lookup
from keepwell.ports.redis import Inquiry
from keepwell.ports.runner import Command
from keepwell.rooms.checks.model import Answer, Check, Earlier, Kind, Observation, Probe, Question, ReadFile

from .elsewhere import refuse_loopback_elsewhere

BETWEEN_TWO_READINGS = 1.0
"""Seconds between the two readings of a rate where no earlier observation is near."""

GRACE = 0.5
"""Seconds beyond its deadline after which a look is ended from outside; the port's own limit comes first, with a better sentence."""

_log = logging.getLogger("keepwell.checks")


async def observe(check: Check, host: Host, earlier: Earlier | None) -> Observation:
    """Looks once, within the check's deadline. Never raises (but for cancellation): what went wrong becomes an observation. No value of a
    secret stands in it, even where a target answered with one.

    ``unknown`` where the question could not be put (AskError, not accepted, a defect in the driver), ``fail`` where the target was
    asked and gave no usable answer.
    """
    seen = await _observe(check, host, earlier)
    sentence, detail = _without_secrets(seen.sentence, host), _without_secrets(seen.detail, host) if seen.detail else ""
    return seen if (sentence, detail) == (seen.sentence, seen.detail) else replace(seen, sentence=sentence, detail=detail)


def _without_secrets(text: str, host: Host) -> str:
    """Neither values of known secrets nor what stands where secrets stand (the password of a URL in a command's arguments)."""
    return redact_patterns(host.secrets.redact(text))


async def _observe(check: Check, host: Host, earlier: Earlier | None) -> Observation:
    if check.waiting:
        return Observation(State.UNKNOWN, check.waits_because or "waiting for acceptance")
    limit = check.options.deadline
    try:
        async with asyncio.timeout(limit + GRACE + (BETWEEN_TWO_READINGS if earlier is None else 0)):
            if isinstance(check.driver, Probe):
                refuse_loopback_elsewhere(check)
                return await check.driver.probe(check.settings, check.target, host, limit)
            return await _ask_and_read(check, check.driver, host, earlier)
    except AskError as error:
        return Observation(State.UNKNOWN, f"could not look: {error}")
    except AnswerError as error:
        return Observation(State.FAIL, str(error))
    except TimeoutError:
        return Observation(State.FAIL, f"no result within {limit:g} s")
    except Exception as error:
        _log.exception("a check's driver failed", extra={"facts": {"check": check.name, "kind": check.kind}})
        return Observation(State.UNKNOWN, f"could not look: an internal fault of Keepwell ({type(error).__name__})")


async def _ask_and_read(check: Check, driver: Kind[Any], host: Host, earlier: Earlier | None) -> Observation:
    questions = driver.ask(check.settings, check.target)
    if earlier is None and driver.needs_earlier is not None and driver.needs_earlier(check.settings):
        started = host.clock.monotonic()
        first = driver.read(check.settings, await _answers(questions, check, host), None)
        await host.clock.sleep(BETWEEN_TWO_READINGS)
        earlier = Earlier(first.counters, host.clock.monotonic() - started)
    return driver.read(check.settings, await _conversation(questions, check, driver, host), earlier)


async def _conversation(questions: tuple[Question, ...], check: Check, driver: Kind[Any], host: Host) -> tuple[Answer, ...]:
    """The answers to the questions, and to those that follow from them; all of them within one deadline."""
    ends = host.clock.monotonic() + check.options.deadline
    answers = await _answers(questions, check, host)
    while driver.then is not None and (more := driver.then(check.settings, check.target, answers)):
        left = max(ends - host.clock.monotonic(), 0.001)
        answers += tuple([await _answer(question, left, host) for question in more])
    return answers


async def _answers(questions: tuple[Question, ...], check: Check, host: Host) -> tuple[Answer, ...]:
    return tuple([await _answer(question, check.options.deadline, host) for question in questions])


async def _answer(question: Question, deadline: float, host: Host) -> Answer:
    try:
        match question:
            case Command():
                return await host.runner.run(replace(question, timeout=deadline))
            case Request():
                return await host.http.ask(replace(question, timeout=deadline))
            case ReadFile():
                return await host.files.read(question.path, question.limit)
            case Query():
                if host.databases is None:
                    raise AskError(f"the host {host.name} asks no databases")
                return await host.databases.ask(replace(question, timeout=deadline))
            case Inquiry():
                if host.redis is None:
                    raise AskError(f"the host {host.name} asks no Redis servers")
                return await host.redis.ask(replace(question, timeout=deadline))
            case Lookup():
                if host.names is None:
                    raise AskError(f"the host {host.name} asks no resolvers")
                return await host.names.look_up(replace(question, timeout=deadline))
            case _:
                assert_never(question)
    except AnswerError as error:
        return error
