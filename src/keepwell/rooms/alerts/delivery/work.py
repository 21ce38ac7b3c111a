"""One notice, one attempt: the driver says what is sent, the host's ports send it, the driver says what the reply means."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from keepwell.kernel.problems import KeepwellError
from keepwell.kernel.redaction import Redactor, redact_patterns
from keepwell.ports.host import Host
from keepwell.ports.http import Request
from keepwell.ports.mail import Mail
from keepwell.rooms.alerts.model import Notice

from .apprise import apprise
from .model import Apprised, Around, Delivered, Message, Outcome, Post, Receiver, Refused, Reply, TryLater
from .resolve import CONTACT, Receivers, Way

_LONGEST = 300
"""Characters of a sentence that is stored."""
_SECRET_FROM = 6
"""Characters from which on a part of a secret address is a secret of its own."""


@dataclass(frozen=True, slots=True)
class _Tried:
    """What came of one way."""

    way: Way
    outcome: Outcome


async def deliver(host: Host, receivers: Receivers, notice: Notice, served: frozenset[str] = frozenset()) -> Outcome:
    """Tells whom the notice is for; a person on every way that has not got it yet (``served``). Never raises a KeepwellError."""
    ways = receivers.ways(notice.to)
    if ways is None:
        return TryLater(f"{_named(notice.to)} is not in the configuration any more", served=served)
    if not ways:
        return Refused(f"{_named(notice.to)} cannot be told: it has no email (with the section smtp), no secret for slack, no receivers")
    if not ways[0].part:
        return await attempt(host, ways[0].receiver, notice, receivers.post, served)
    tried = [_Tried(way, await attempt(host, way.receiver, notice, receivers.post, _below(served, way))) for way in _left(ways, served)]
    return together(ways, tried, served)


def _named(to: str) -> str:
    return f"the contact {to.removeprefix(CONTACT)}" if to.startswith(CONTACT) else f"the receiver {to}"


def _left(ways: Sequence[Way], served: frozenset[str]) -> list[Way]:
    return [way for way in ways if way.part not in served]


def _below(served: Iterable[str], way: Way) -> frozenset[str]:
    """The parts of one way that have it, as its own driver calls them."""
    before = f"{way.part}: "
    return frozenset(one.removeprefix(before) for one in served if one.startswith(before))


def together(ways: Sequence[Way], tried: Sequence[_Tried], served: frozenset[str]) -> Outcome:
    """What came of several ways to one person: delivered once no way is left to be tried and one took it."""
    taken = served | {one.way.part for one in tried if isinstance(one.outcome, Delivered)}
    later = [(one.way, one.outcome) for one in tried if isinstance(one.outcome, TryLater)]
    refused = [f"{one.way.part}: {one.outcome.why}" for one in tried if isinstance(one.outcome, Refused)]
    if later:
        halves = {f"{way.part}: {part}" for way, outcome in later for part in outcome.served}
        why = "; ".join([*(f"{way.part}: {outcome.why}" for way, outcome in later), *refused])
        waits = [outcome.after for _, outcome in later if outcome.after is not None]
        return TryLater(why, max(waits, default=None), taken | halves)
    if any(way.part in taken for way in ways):
        return Delivered("; ".join(refused))
    return Refused("; ".join(refused))


async def attempt(host: Host, receiver: Receiver, notice: Notice, post: Post | None, served: frozenset[str] = frozenset()) -> Outcome:
    """One attempt at one receiver; ``served`` are the parts of it that have the notice. What goes wrong on the way (no answer, no network,
    a secret that cannot be had) is tried later. Sentences hold no secret."""
    if receiver.waits_because:
        return TryLater(receiver.waits_because, served=served)
    hidden: list[str] = []
    try:
        message = receiver.driver.message(receiver.settings, notice, Around(receiver.name, post, served))
        outcome = receiver.driver.understand(message, await _reply(host, message, hidden))
    except KeepwellError as error:
        outcome = TryLater(str(error))
    return _cleaned(_beside(outcome, served), lambda text: redact_patterns(host.secrets.redact(Redactor(hidden).redact(text))))


def _beside(outcome: Outcome, served: frozenset[str]) -> Outcome:
    """The outcome, in view of the parts that had it before: who is refused by the last of several has lost nothing of the others."""
    if isinstance(outcome, TryLater):
        return replace(outcome, served=outcome.served | served)
    return Delivered(outcome.why) if isinstance(outcome, Refused) and served else outcome


async def _reply(host: Host, message: Message, hidden: list[str]) -> Reply:
    """What comes back. ``hidden`` gets the parts of a secret address: whoever answers may repeat the path alone."""
    match message:
        case Request():
            if message.url.startswith("secret:"):
                address = await host.secrets.resolve(message.url)
                hidden += _parts(address)
                message = replace(message, url=address)
            return await host.http.ask(message)
        case Mail():
            assert host.mail is not None
            return await host.mail.post(message)
        case Apprised():
            return await apprise(await host.secrets.resolve(message.address), message)
    assert_never(message)


def _parts(address: str) -> list[str]:
    """The parts of an address that give access: its path, the longer steps of it, and its query."""
    rest = address.partition("://")[2].partition("#")[0]
    path, _, query = rest.partition("/")[2].partition("?")
    return [part for part in (path, query, *path.split("/"), *query.split("&")) if len(part) >= _SECRET_FROM]


def _cleaned(outcome: Outcome, clean: Callable[[str], str]) -> Outcome:
    """The outcome with sentences that may be stored and shown."""

    def short(text: str) -> str:
        safe = clean(text)
        return safe if len(safe) <= _LONGEST else safe[:_LONGEST] + "…"

    if isinstance(outcome, Delivered):
        return replace(outcome, note=short(outcome.note))
    return replace(outcome, why=short(outcome.why))
