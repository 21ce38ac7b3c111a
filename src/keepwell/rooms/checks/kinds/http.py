"""The ``http`` kind: a request, and what its response must be: status, headers, body, JSON values, and how long it may take; or several
requests, each with its own expectations, that hand values and cookies on.

A new connection is made for each request, so that every phase is measured. Bodies are read as UTF-8 (RFC 8259 section 8.1 for JSON).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from keepwell.config.targets import Target
from keepwell.kernel.comparisons import Unit, describe
from keepwell.kernel.problems import AnswerError
from keepwell.kernel.states import State
from keepwell.ports.http import Cookie, Response
from keepwell.rooms.checks.http.asking import joined, request_of
from keepwell.rooms.checks.http.expect import Expect
from keepwell.rooms.checks.http.judging import Judged, expected_status, judged, shown_url
from keepwell.rooms.checks.http.keeping import Between, kept_values
from keepwell.rooms.checks.http.names import MEASURED
from keepwell.rooms.checks.http.options import BasicOptions, HttpOptions, RequestOptions, Step, runs_text
from keepwell.rooms.checks.http.signing import SignatureOptions
from keepwell.rooms.checks.limits import Verdict, judge, together
from keepwell.rooms.checks.model import Answer, Earlier, Kind, Observation, Question

__all__ = ["DRIVER", "BasicOptions", "Between", "Expect", "HttpOptions", "SignatureOptions", "Step"]


@dataclass(frozen=True, slots=True)
class _Taken:
    """One step that was taken: its judgement, and what was held after it."""

    judged: Judged
    kept: Mapping[str, str]
    cookies: tuple[Cookie, ...]
    seconds: float


def ask(options: HttpOptions, target: Target | None) -> tuple[Question, ...]:
    """The first request. Raises AskError where the target has no url: that shows only when the target is known."""
    return (request_of(options, options.requests[0], target, {}, () if options.steps else None),)


def then(options: HttpOptions, target: Target | None, answers: tuple[Answer, ...]) -> tuple[Question, ...]:
    """The request of the next step, where there is one and all before it were as expected."""
    if len(answers) >= len(options.steps):
        return ()
    taken = _walk(options, answers)
    if taken[-1].judged.failed:
        return ()
    return (request_of(options, options.steps[len(answers)], target, taken[-1].kept, taken[-1].cookies),)


def read(options: HttpOptions, answers: tuple[Answer, ...], earlier: Earlier | None) -> Observation:
    """Status and headers, then the body, then the time it took: the worst of them is the state."""
    taken = _walk(options, answers[: len(options.requests)])
    verdicts = [*_certificate(options, taken)]
    if not options.steps:
        verdict = together([*taken[0].judged.verdicts, *verdicts])
        return Observation(verdict.state, verdict.sentence, taken[0].judged.values)
    values = {
        f"{options.name_of(position)}_{name}" if name in MEASURED else name: number
        for position, step in enumerate(taken)
        for name, number in step.judged.values.items()
    }
    values |= {"duration_seconds": sum(step.seconds for step in taken), "steps_done": float(_done(taken))}
    verdict = together([*_flow_verdicts(options, taken), *verdicts])
    return Observation(verdict.state, verdict.sentence, values)


def _walk(options: HttpOptions, answers: tuple[Answer, ...]) -> list[_Taken]:
    """Each step that was taken, judged with what those before it kept."""
    taken: list[_Taken] = []
    kept: dict[str, str] = {}
    for step, answer in zip(options.requests, answers, strict=False):
        if not isinstance(answer, Response):
            reason = answer if isinstance(answer, AnswerError) else "there is no response"
            clause = f"{_asked(options, step)}: {reason}, expected {expected_status(step.expect)}"
            taken.append(_Taken(Judged((Verdict(State.FAIL, clause),), {}), kept, (), 0.0))
            break
        result = judged(step, answer, kept)
        if isinstance(step, Step):
            found, missing = kept_values(step.keep, answer)
            kept = kept | found
            result = Judged((*result.verdicts, *(Verdict(State.FAIL, clause) for clause in missing)), result.values)
        taken.append(_Taken(result, kept, answer.cookies, answer.phases.total))
        if result.failed:
            break
    return taken


def _asked(options: HttpOptions, step: RequestOptions) -> str:
    where = shown_url(joined(options.url, step.path)) if options.url is not None else f"{step.path or '/'} of {options.target}"
    return f"{step.method} {where}"


def _done(taken: list[_Taken]) -> int:
    return sum(not step.judged.failed for step in taken)


def _flow_verdicts(options: HttpOptions, taken: list[_Taken]) -> list[Verdict]:
    """Of each step that is not well, what is wrong with it; and how far the steps came, in what time."""
    total = sum(step.seconds for step in taken)
    count = len(options.steps)
    verdicts = []
    for position, step in enumerate(taken):
        verdict = together(step.judged.verdicts)
        if verdict.state is not State.OK:
            place = f"step {position + 1} of {count} ({options.name_of(position)})"
            verdicts.append(Verdict(verdict.state, f"{place}: {verdict.sentence}"))
    words = f"all {count} steps are" if _done(taken) == count else f"{_done(taken)} of {count} steps were"
    return [*verdicts, judge(f"{words} as expected in {describe(total, Unit.SECONDS)}", total, options.warn, options.fail)]


def _certificate(options: HttpOptions, taken: list[_Taken]) -> list[Verdict]:
    """The verdict on how long the certificate is valid, where there are limits; of several steps the least."""
    limits = options.certificate
    if limits is None or not any(step.judged.values for step in taken):
        return []
    days = [step.judged.values["certificate_days_left"] for step in taken if "certificate_days_left" in step.judged.values]
    if not days:
        return [Verdict(State.FAIL, "the address answered without TLS, expected a certificate")]
    left = min(days) * 86400
    return [judge(f"the certificate is valid for another {describe(left, Unit.SECONDS)}", left, limits.warn, limits.fail)]


DRIVER = Kind(
    summary="A request and its response, or several in steps: status, headers, body, JSON and XML values, and how long it took",
    options=HttpOptions,
    ask=ask,
    read=read,
    runs_text=runs_text,
    then=then,
    values={
        "status_code": "the status of the response",
        "dns_seconds": "how long the name took to be resolved",
        "connect_seconds": "how long connecting took",
        "tls_seconds": "how long the TLS handshake took",
        "first_byte_seconds": "how long until the first byte of the response came",
        "duration_seconds": "how long everything took; of several steps their sum",
        "body_bytes": "the size of the body",
        "certificate_days_left": "the days that the certificate is still valid",
        "json_PATH": "an expected number of the JSON body at PATH",
        "NAME": "a number of the JSON body that option values names",
        "STEP_NAME": "of several steps: one of the values above, by the name of its step, as in login_duration_seconds",
        "steps_done": "of several steps: how many were as expected",
    },
    example="""\
targets:
  shop: {url: "https://shop.example.org"}
checks:
  health:
    http: {target: shop, path: /health, expect: {status: 200, json.status: healthy}, warn: "> 300ms", fail: "> 2s"}
    every: 30s
""",
)
