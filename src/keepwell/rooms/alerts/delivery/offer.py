"""What delivery declares: the sections ``receivers``, ``contacts`` and ``smtp``, and what is wrong with them. Imports nothing costly."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from keepwell.kernel.problems import ConfigurationError, Problem
from keepwell.kernel.quoting import quoted
from keepwell.ports.offer import Drivers, Section

if TYPE_CHECKING:
    from keepwell.config.operations import Operations
    from keepwell.config.options import Options
    from keepwell.rooms.alerts.delivery.resolve import Receivers, WhyNot

PACKAGE, ENTRY_POINTS = "keepwell.rooms.alerts.receivers", "keepwell.receivers"
"""Where the drivers of receivers are found."""

_RECEIVERS = """\
# receivers:
#   # Where alerts go. Without routes, every alert goes to all of them.
#   team: {slack: {url: "secret:SLACK_WEBHOOK"}}
#   mail: {email: {to: [ops@example.org]}, send_resolved: false}
#   hook: {webhook: {url: "https://hooks.example.org/alerts", sign: {secret: "secret:HOOK_KEY"}}}
"""
_CONTACTS = """\
# contacts:
#   # People, for escalations and to read.
#   anna: {name: Anna Example, role: Database, hours: "24/7", email: anna@example.org, phone: "+1 555 0100"}
"""
_SMTP = """\
# smtp:
#   # Where mail is handed in, with STARTTLS; smtps://HOST:465 for TLS from the first byte on.
#   url: smtp://keepwell@mail.example.org:587
#   password: "secret:SMTP_PASSWORD"
#   from: keepwell@example.org
"""


def sections(drivers: Callable[[], Drivers]) -> tuple[Section, ...]:
    """The three sections; ``drivers`` gives the kinds of receivers."""
    return (
        Section("receivers", "Where alerts go", _receivers, named=True, kinds=drivers, sample=_RECEIVERS),
        Section("contacts", "Who is told, and how they are reached", _contacts, named=True, sample=_CONTACTS),
        Section("smtp", "Where mail is handed in", _smtp, sample=_SMTP),
    )


def receivers_in(operations: "Operations", drivers: Drivers, why_not: "WhyNot") -> "Receivers":
    """What can be told by a configuration that validated."""
    from .resolve import receivers_of

    contacts = operations.options("contacts")
    return receivers_of(operations.entries("receivers"), contacts, operations.options("smtp"), drivers, why_not)


def with_secrets(operations: "Operations") -> "Iterator[tuple[str, Options]]":
    """The options that may hold secrets, each with what it is called where it is to be accepted."""
    yield "smtp", operations.options("smtp")
    for name, entry in operations.entries("receivers").items():
        if entry.options is not None:
            yield f"receivers/{name}", entry.options
    for name, entry in operations.entries("contacts").items():
        yield f"contacts/{name}", entry.common


def check(operations: "Operations") -> None:
    """Raises ConfigurationError where a receiver needs mail and no server is configured for it."""
    if operations.options("smtp").post is not None:
        return
    problems = [
        Problem(
            "config.missing-key",
            f"the receiver {quoted(name)} sends mail, and nothing says where mail is handed in",
            "add the section smtp with url and from",
            entry.place,
        )
        for name, entry in operations.entries("receivers").items()
        if entry.kind == "email" and getattr(entry.options, "smtp", None) is None
    ]
    if problems:
        raise ConfigurationError(*problems)


def _receivers() -> type[Any]:
    from .options import ReceiverOptions

    return ReceiverOptions


def _contacts() -> type[Any]:
    from .options import ContactOptions

    return ContactOptions


def _smtp() -> type[Any]:
    from .options import SmtpOptions

    return SmtpOptions
