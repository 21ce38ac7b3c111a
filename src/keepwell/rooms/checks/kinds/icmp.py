"""The ``icmp`` kind: whether a host answers echo requests (ping), how many of them are lost, and how long the answers take.

``ping`` of iputils asks, so that no right to raw sockets is needed here and the same check runs on another host. What it prints is read in
the locale C (ping(8)).
"""

import re
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from keepwell.config.options import ExpandedText, Reference
from keepwell.config.targets import Target
from keepwell.kernel.comparisons import Unit, describe, parse_comparison
from keepwell.kernel.problems import AnswerError
from keepwell.kernel.states import State
from keepwell.ports.runner import Command, Result
from keepwell.rooms.checks.answers import ending
from keepwell.rooms.checks.connections import target_address
from keepwell.rooms.checks.limits import RatioLimits, SecondsLimit, Verdict, WarnsBeforeItFails, given_or, judge, together
from keepwell.rooms.checks.model import Answer, Earlier, Kind, Observation, Question
from keepwell.rooms.checks.texts import first_line, show

_LOST = (parse_comparison("> 0%"), parse_comparison("> 50%"))
_BETWEEN = "0.2"
_COUNTS = re.compile(r"^([0-9]{1,9}) packets transmitted, ([0-9]{1,9}) received,", re.MULTILINE)
_TIMES = re.compile(r"^(?:rtt|round-trip) min/avg/max(?:/mdev)? = ([0-9.]{1,20}(?:/[0-9.]{1,20}){2,3}) ms", re.MULTILINE)
_NAMES = ("round_trip_min_seconds", "round_trip_avg_seconds", "round_trip_max_seconds", "round_trip_mdev_seconds")
_REPORT = re.compile(r"^From (\S{1,255}) icmp_seq=[0-9]{1,9} (.{1,200})$", re.MULTILINE)
_UNKNOWN_NAME = ("Name or service not known", "No address associated with hostname", "unknown host", "Address family for hostname")
_NO_RESOLVER = ("Temporary failure in name resolution", "System error")
_NO_ROUTE = ("Network is unreachable", "No route to host", "Network is down", "Cannot assign requested address")
_NOT_ALLOWED = ("Operation not permitted", "Permission denied")


class IcmpOptions(WarnsBeforeItFails):
    """A host to ping. Exactly one of host and target."""

    host: ExpandedText | None = Field(default=None, min_length=1, max_length=255)
    """Name or address of the host. ``${VAR}`` is replaced from the environment."""
    target: Annotated[str, Reference("targets")] | None = None
    """A target; the host of its url is asked."""
    family: Literal["any", "ipv4", "ipv6"] = "any"
    """Which addresses of a name are asked."""
    count: int = Field(default=3, ge=1, le=20)
    """How many echo requests are sent, a fifth of a second apart."""
    size: int = Field(default=56, ge=0, le=65507)
    """How many bytes each carries; more than a path can bear show what is lost on it."""
    wait: int = Field(default=2, ge=1, le=60)
    """Seconds to wait for the last answer."""
    loss: RatioLimits | None = None
    """Limits on the share that is lost. Without it: ``{warn: "> 0%", fail: "> 50%"}``."""
    warn: SecondsLimit | None = None
    """The check is ``warn`` where the answers take so long on average, for example ``> 100ms``. No limit is usual."""
    fail: SecondsLimit | None = None
    """The check is ``fail`` where the answers take so long on average."""

    @model_validator(mode="after")
    def _has_host(self) -> Self:
        if (self.host is None) == (self.target is None):
            raise ValueError("give exactly one of host and target")
        if self.host is not None and not re.fullmatch(r"[A-Za-z0-9_\[\]$:{][^\s/\x00]*", self.host):
            raise ValueError(f"host is a name or an address alone, not {show(self.host)}")
        return self


def ask(options: IcmpOptions, target: Target | None) -> tuple[Question, ...]:
    """One call of ping. Raises AskError where the target has no url."""
    host = options.host.strip("[]") if options.host is not None else target_address(target)[0]
    family = {"any": (), "ipv4": ("-4",), "ipv6": ("-6",)}[options.family]
    argv = ("ping", *family, "-n", "-c", str(options.count), "-i", _BETWEEN, "-s", str(options.size), "-W", str(options.wait), "--", host)
    return (Command(argv, environment={"LC_ALL": "C"}, package="iputils-ping"),)


def read(options: IcmpOptions, answers: tuple[Answer, ...], earlier: Earlier | None) -> Observation:
    """The share that was lost, then the times."""
    host = options.host or f"target {options.target}"
    result = answers[0]
    if not isinstance(result, Result):
        reason = result if isinstance(result, AnswerError) else "ping gave no result"
        return Observation(State.FAIL, f"{host}: {reason}")
    counts = _COUNTS.search(result.stdout)
    sent, received = (int(counts[1]), int(counts[2])) if counts else (0, 0)
    if sent == 0 or received > sent + options.count:
        return _not_asked(host, result)
    return _measured(options, host, result.stdout, sent, min(received, sent))


def _not_asked(host: str, result: Result) -> Observation:
    """Why nothing was sent: only a name that does not exist is the target's fault."""
    said = first_line(result.stderr) or first_line(result.stdout)
    if result.timed_out:
        return Observation(State.FAIL, f"{host}: ping {ending(result)}, so nothing is known of its answers; shorten wait or count")
    for words, state, reason in (
        (_UNKNOWN_NAME, State.FAIL, f"the name {host} does not exist, or has no address of that family"),
        (_NO_RESOLVER, State.UNKNOWN, f"could not look: the resolver does not answer the question for {host}"),
        (_NO_ROUTE, State.UNKNOWN, f"could not look: there is no route to {host}"),
        (
            _NOT_ALLOWED,
            State.UNKNOWN,
            "could not look: ping may not send here (it needs the capability net_raw, or net.ipv4.ping_group_range)",
        ),
    ):
        if any(word in result.stderr for word in words):
            return Observation(state, reason)
    return Observation(State.UNKNOWN, f"could not look: ping {ending(result)} and printed no statistics{f': {show(said)}' if said else ''}")


def _measured(options: IcmpOptions, host: str, output: str, sent: int, received: int) -> Observation:
    ratio = (sent - received) / sent
    values = {"loss_ratio": ratio, "packets_sent": float(sent), "packets_received": float(received)} | _times(output)
    loss = options.loss or RatioLimits()
    limits = given_or(loss.warn, loss.fail, _LOST)
    if not received:
        report = _REPORT.search(output)
        why = f": {show(report[1])[1:-1]} reports {show(report[2])}" if report else ""
        return Observation(
            judge("", ratio, *limits).state, f"{host} answered none of {sent} echo requests{why}, expected an answer", values
        )
    seen = f"{host} answered {received} of {sent} echo requests ({describe(ratio, Unit.RATIO)} lost)"
    verdicts = [judge(seen, ratio, *limits)]
    average = values.get("round_trip_avg_seconds")
    if average is not None:
        verdicts.append(judge(f"within {describe(average, Unit.SECONDS)} on average", average, options.warn, options.fail))
    elif options.warn or options.fail:
        verdicts.append(Verdict(State.UNKNOWN, "ping printed no times"))
    verdict = together(verdicts)
    return Observation(verdict.state, verdict.sentence, values)


def _times(output: str) -> dict[str, float]:
    """Minimum, average, maximum and deviation in seconds; nothing where ping printed none (small packets carry no time)."""
    match = _TIMES.search(output)
    if match is None:
        return {}
    try:
        return {name: float(number) / 1000 for name, number in zip(_NAMES, match[1].split("/"), strict=False)}
    except ValueError:
        return {}


DRIVER = Kind(
    summary="Whether a host answers pings, how many are lost, and how long the answers take",
    options=IcmpOptions,
    ask=ask,
    read=read,
    values={
        "loss_ratio": "the share of echo requests that nobody answered",
        "packets_sent": "how many echo requests were sent",
        "packets_received": "how many were answered",
        "round_trip_min_seconds": "the shortest time until an answer",
        "round_trip_avg_seconds": "the average time until an answer",
        "round_trip_max_seconds": "the longest time until an answer",
        "round_trip_mdev_seconds": "how much the times differ (their standard deviation)",
    },
    example="""\
checks:
  router:
    icmp: {host: 192.0.2.1, loss: {warn: "> 0%", fail: "> 50%"}, warn: "> 100ms"}
    every: 30s
""",
)
