"""The words of delivery: what a receiver's driver exports, and what came of an attempt."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Generic, TypeVar

from keepwell.ports.http import Request, Response
from keepwell.ports.mail import Mail, MailAnswer, MailServer
from keepwell.rooms.alerts.model import Notice


@dataclass(frozen=True, slots=True)
class Delivered:
    """The receiver has it. ``note`` says what of it failed for good all the same (one of several recipients), empty where nothing did."""

    note: str = ""


@dataclass(frozen=True, slots=True)
class TryLater:
    """The receiver does not have it, and may take it later. ``after`` is how many seconds it asked us to wait, where it did.

    ``served`` are the parts of the receiver (recipients of a mail, ways to a person) that have it already."""

    why: str
    after: float | None = None
    served: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Refused:
    """The receiver does not take it, and will not take the same message later either."""

    why: str


Outcome = Delivered | TryLater | Refused


@dataclass(frozen=True, slots=True)
class Apprised:
    """A message for Apprise: the reference to the service's address, title, body, and Apprise's word for how bad it is."""

    address: str
    title: str
    body: str
    level: str


@dataclass(frozen=True, slots=True)
class Post:
    """The section ``smtp``: the server that mail is handed to, and who it is from."""

    server: MailServer
    sender: str


@dataclass(frozen=True, slots=True)
class Around:
    """What a message needs beside its receiver's options: the receiver's name, where mail is handed in (None where nothing is configured),
    and the parts that have it already."""

    receiver: str
    post: Post | None = None
    served: frozenset[str] = frozenset()


Message = Request | Mail | Apprised
Reply = Response | MailAnswer | bool
"""What came back: a Request gives a Response, a Mail a MailAnswer, an Apprised whether it arrived."""

OptionsT = TypeVar("OptionsT")


@dataclass(frozen=True, slots=True)
class Driver(Generic[OptionsT]):
    """A kind of receiver. Both functions are pure, so they are tested with data files.

    ``message`` says what is sent, ``understand`` what the reply means; a reply that did not come (an AnswerError or AskError) is tried
    later, without asking the driver. Addresses (``url`` of a Request) may be references to secrets."""

    summary: str
    options: type[OptionsT]
    message: Callable[[OptionsT, Notice, Around], Message]
    understand: Callable[[Message, Any], Outcome]
    example: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Receiver:
    """A receiver as it is used: its kind's driver and options. ``waits_because`` says why it may not be used yet: the command that fetches
    its secret waits for acceptance; empty where it may."""

    name: str
    kind: str
    driver: Driver[Any]
    settings: Any
    send_resolved: bool = True
    expires: timedelta = timedelta(hours=24)
    waits_because: str = ""
