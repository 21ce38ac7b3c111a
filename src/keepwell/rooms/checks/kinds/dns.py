"""The ``dns`` kind: what the domain name system says of a name: its records, how long they may be kept, and whether they were validated."""

import ipaddress
from collections.abc import Iterable, Iterator
from typing import Literal, Self

from pydantic import Field, model_validator

from keepwell.config.options import ExpandedText
from keepwell.config.targets import Target
from keepwell.kernel.comparisons import Unit, describe
from keepwell.kernel.problems import AnswerError
from keepwell.kernel.states import State
from keepwell.ports.names import Absent, Answered, Lookup
from keepwell.rooms.checks.limits import SecondsLimit, SecondsLimits, Verdict, WarnsBeforeItFails, judge, together
from keepwell.rooms.checks.model import Answer, Earlier, Kind, Observation, Question
from keepwell.rooms.checks.texts import show

_MOST_SHOWN = 5
_WITH_TEXT = ("TXT", "CAA", "NAPTR")


class DnsOptions(WarnsBeforeItFails):
    """A name, the type of its records, and what they must be. Without equals, contains and absent: that there is such a record."""

    name: ExpandedText = Field(min_length=1)
    """The name, for example ``www.example.org``; with ``PTR`` also an address. It is taken as a whole: no search list is applied."""
    record: Literal[
        "A", "AAAA", "CAA", "CNAME", "DNSKEY", "DS", "HTTPS", "MX", "NAPTR", "NS", "PTR", "SOA", "SRV", "SSHFP", "TLSA", "TXT"
    ] = "A"
    """The type of the records. A name that is another's alias (CNAME) is followed."""
    server: ExpandedText = ""
    """Whom to ask: ``host`` or ``host:port``. Without it the resolvers of this machine; their silence is ``unknown``, that of a server that
    is named here is ``fail``."""
    equals: tuple[str, ...] = ()
    """Exactly these records, in any order, for example ``[192.0.2.1, 192.0.2.2]`` or ``["10 mail.example.org"]``."""
    contains: tuple[str, ...] = ()
    """At least these records. Of a TXT record a part of its text suffices, for example ``[v=spf1]``."""
    absent: bool = False
    """Whether there must be no such name or record."""
    dnssec: bool = False
    """Whether the server must say that it validated the answer (the AD flag). Needs a server that validates."""
    ttl: SecondsLimits | None = None
    """Limits on how long the records may be kept (TTL), for example ``{warn: "> 1d"}`` before a move."""
    warn: SecondsLimit | None = None
    """The check is ``warn`` where the answer takes so long, for example ``> 200ms``. No limit is usual."""
    fail: SecondsLimit | None = None
    """The check is ``fail`` where the answer takes so long. Without it only the check's timeout counts."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if sum(map(bool, (self.equals, self.contains, self.absent))) > 1:
            raise ValueError("give at most one of equals, contains and absent")
        if self.absent and (self.dnssec or self.ttl is not None):
            raise ValueError("a record that must be absent has no dnssec and no ttl: leave these out")
        if any(character.isspace() for character in (*self.name, *self.server)):
            raise ValueError("name and server hold no spaces")
        if self.record in ("A", "AAAA"):
            for value in (*self.equals, *self.contains):
                _address(value, self.record)
        return self


def _address(value: str, record: str) -> None:
    try:
        version: int = ipaddress.ip_address(value).version
    except ValueError:
        version = 0
    if version != (4 if record == "A" else 6):
        raise ValueError(f"{show(value)} is no IPv{4 if record == 'A' else 6} address, and an {record} record holds one")


def ask(options: DnsOptions, target: Target | None) -> tuple[Question, ...]:
    """The question."""
    name = options.name
    if options.record == "PTR":
        try:
            name = ipaddress.ip_address(name).reverse_pointer
        except ValueError:
            name = options.name
    return (Lookup(name, options.record, options.server, options.dnssec),)


def read(options: DnsOptions, answers: tuple[Answer, ...], earlier: Earlier | None) -> Observation:
    """The records first, then their validation, their TTL and how long the answer took."""
    answer = answers[0]
    if isinstance(answer, Absent) and options.absent:
        return Observation(State.OK, f"{answer}, as expected", {"records": 0.0})
    if not isinstance(answer, Answered):
        reason = answer if isinstance(answer, AnswerError) else "there is no answer"
        values = {"records": 0.0} if isinstance(answer, Absent) else {}
        return Observation(State.FAIL, f"{reason}, expected {_expected(options)}", values)
    seen = f"{options.record} of {options.name} is {_listed(answer.values)} (from {answer.server})"
    wrong = [Verdict(State.FAIL, clause) for clause in _misses(options, answer)]
    took = judge(f"answered in {describe(answer.seconds, Unit.SECONDS)}", answer.seconds, options.warn, options.fail)
    ttl = options.ttl or SecondsLimits()
    kept = judge(f"may be kept for {describe(answer.ttl, Unit.SECONDS)}", answer.ttl, ttl.warn, ttl.fail)
    verdict = together([*wrong, Verdict(State.OK, seen), took, kept])
    values = {
        "duration_seconds": answer.seconds,
        "ttl_seconds": float(answer.ttl),
        "records": float(len(answer.values)),
        "authenticated": float(answer.authenticated),
    }
    return Observation(verdict.state, verdict.sentence, values)


def _misses(options: DnsOptions, answer: Answered) -> Iterator[str]:
    found = {_comparable(options.record, value) for value in answer.values}
    wanted = {_comparable(options.record, value): value for value in (*options.equals, *options.contains)}
    if options.absent:
        yield f"{options.name} has {options.record} records, expected none"
    parts = options.record == "TXT" and bool(options.contains)
    if missing := [value for key, value in wanted.items() if not (any(key in text for text in found) if parts else key in found)]:
        yield f"{_listed(missing)} {'is' if len(missing) == 1 else 'are'} not among the {options.record} records of {options.name}"
    if options.equals and (more := [value for value in answer.values if _comparable(options.record, value) not in wanted]):
        yield f"{_listed(more)} {'is' if len(more) == 1 else 'are'} not expected, only {_listed(options.equals)}"
    if options.dnssec and not answer.authenticated:
        yield f"{answer.server} does not say that it validated the answer (DNSSEC), expected that it does"


def _comparable(record: str, value: str) -> str:
    """A record without what makes no difference: capitals and the final dot of names, the ways to write an address."""
    if record == "TXT":
        return value
    if record in _WITH_TEXT:
        return value.replace('"', "")
    if record == "AAAA":
        try:
            return ipaddress.ip_address(value).compressed
        except ValueError:
            return value
    return " ".join(word.removesuffix(".") or "." for word in value.lower().split())


def _expected(options: DnsOptions) -> str:
    if options.absent:
        return f"that there is no {options.record} record"
    wanted = options.equals or options.contains
    return _listed(wanted) if wanted else f"a record of type {options.record}"


def _listed(values: Iterable[str]) -> str:
    listed = [show(value)[1:-1] for value in values]
    more = f" and {len(listed) - _MOST_SHOWN} more" if len(listed) > _MOST_SHOWN else ""
    return ", ".join(listed[:_MOST_SHOWN]) + more


DRIVER = Kind(
    summary="What the domain name system says of a name: its records, their TTL, and whether they were validated",
    options=DnsOptions,
    ask=ask,
    read=read,
    values={
        "duration_seconds": "how long the answer took",
        "ttl_seconds": "how long the records may be kept, of an alias and what it stands for the shorter time",
        "records": "how many records of that type there are",
        "authenticated": "1 where the server says that it validated the answer (DNSSEC), else 0",
    },
    example="""\
checks:
  address:
    dns: {name: shop.example.org, equals: [192.0.2.10, 192.0.2.11]}
    every: 5m
  mail-policy:
    dns: {name: example.org, record: TXT, contains: [v=spf1], server: ns1.example.org}
    every: 1h
""",
)
