"""What INFO says (https://redis.io/docs/latest/commands/info/): one ``name:value`` a line, of which most are numbers."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from keepwell.kernel.problems import AnswerError
from keepwell.ports.redis import Keys, Replies, ReplyFault
from keepwell.rooms.checks.texts import show

_LONGEST_NUMBER = 24


@dataclass(frozen=True, slots=True)
class Server:
    """One look at a server: what INFO said, its own clock in seconds since 1970, ``maxclients`` (None where nobody told), and the rest."""

    facts: Mapping[str, str]
    clock: float | None
    most_clients: float | None
    keys: Keys | None
    peer: str
    ping: float

    def number(self, name: str) -> float:
        """A number. Raises ValueError with a clause where INFO has none of that name."""
        found = self.maybe(name)
        if found is None:
            raise ValueError(f"INFO gives no usable {name}: {show(self.facts.get(name, ''))}")
        return found

    def maybe(self, name: str) -> float | None:
        """A number, or None where INFO has none of that name."""
        return _number(self.facts.get(name, ""))

    def word(self, name: str) -> str:
        """A text as it may stand in a sentence; empty where INFO has none."""
        return show(self.facts.get(name, ""))[1:-1]

    def replicas(self) -> Iterator[Mapping[str, str]]:
        """What a primary says of each replica: ``slave0:ip=10.0.0.2,port=6379,state=online,offset=14,lag=0``."""
        for name, value in self.facts.items():
            if name.startswith("slave") and name[5:].isdigit():
                yield dict(part.split("=", 1) for part in value.split(",") if "=" in part)


def server_of(replies: Replies) -> Server:
    """The look as one value. Raises AnswerError where INFO was not answered."""
    values = [*replies.values, None, None, None]
    info, clock, limit = values[:3]
    if isinstance(info, ReplyFault):
        raise AnswerError(f"{replies.server} answers PING and not INFO: {show(info.text)}")
    facts = dict(_lines(info)) if isinstance(info, str) else {}
    if not facts:
        raise AnswerError(f"{replies.server} answers PING, and INFO with something that is not INFO")
    most = _number(facts.get("maxclients", ""))
    if most is None and isinstance(limit, tuple) and len(limit) == 2 and isinstance(limit[1], str):
        most = _number(limit[1])
    return Server(facts, _clock(clock), most, replies.keys, replies.server, replies.ping)


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon and not line.startswith("#"):
            yield name.strip(), value.strip()


def _clock(reply: object) -> float | None:
    """The seconds of TIME's answer."""
    return _number(reply[0]) if isinstance(reply, tuple) and reply and isinstance(reply[0], str) else None


def _number(text: str) -> float | None:
    if len(text) > _LONGEST_NUMBER or not text.isascii() or not text[-1:].isdigit() or "_" in text:
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
