"""What libpq says when no connection comes about, said so that a person knows whose fault it is and what to do.

libpq keeps the SQLSTATE of a refused connection to itself, so its words tell the reasons apart. They are English where the server's
lc_messages is; of a server that speaks otherwise the reason is quoted as it gave it.
"""

import errno
import os
import re
import socket

from keepwell.kernel.problems import AnswerError, AskError
from keepwell.kernel.quoting import quoted

from .network_errors import Fault, socket_fault

_SYSTEM = (
    *(errno.ECONNREFUSED, errno.ECONNRESET, errno.EPIPE, errno.ETIMEDOUT, errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN),
    *(errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOMEM, errno.ENOBUFS),
)
# SQLSTATE 57P03, which pg_isready calls "rejecting connections".
_REJECTING = {
    "the database system is starting up": "it is starting up",
    "the database system is shutting down": "it is shutting down",
    "the database system is in recovery mode": "it is recovering from a crash",
    "the database system is not yet accepting connections": "it is starting up and has not recovered far enough yet",
    "the database system is not accepting connections": "it is a standby on which hot_standby is off",
}
_FULL = ("too many clients", "remaining connection slots", "too many connections for", "no more connections allowed")
_NOT_POSTGRESQL = (
    "received invalid response to",
    "expected authentication request from server",
    "lost synchronization with server",
    "unexpected message from server",
    "invalid or unsupported negotiation response",
)
_NO_REASON = "no error details available"
_ADMISSION = re.compile(r"(password|Peer|Ident|certificate|LDAP|PAM|GSSAPI|RADIUS|BSD|OAuth) authentication failed")
_SAID = re.compile(r"failed: [^\W\d_]+:  (.{1,300})")  # severity, colon, two spaces: so in every language
_LONGEST = 160


def connection_fault(place: str, peer: str, text: str, *, used_password: bool) -> Fault:
    """The fault that libpq's message tells of. ``place`` is host, port and database, ``peer`` host and port."""
    if not text.strip() or text == _NO_REASON:
        return _without_socket(peer)
    if not text.startswith("connection to server"):
        return AskError(f"the connection string cannot be used: {_said(text)}")
    for words, reason in _REJECTING.items():
        if words in text:
            return AnswerError(f"{place} answers and rejects connections: {reason}")
    if any(words in text for words in _FULL):
        return AnswerError(f"{place} has no connection left for us (too many connections): {_said(text)}")
    return _admission(place, text, used_password) or _encryption(peer, text) or _transport(place, peer, text)


def _without_socket(peer: str) -> Fault:
    """libpq says nothing where the system gave it no socket; so we ask the system ourselves."""
    try:
        socket.socket().close()
    except OSError as error:
        return socket_fault(peer, error)
    return AskError(f"this machine gave no socket to connect to {peer}")


def _admission(place: str, text: str, used_password: bool) -> Fault | None:
    """The server speaks PostgreSQL and does not let us in."""
    if "no password supplied" in text:
        return AnswerError(f"{place} asks for a password, and the connection string holds none")
    if (way := _ADMISSION.search(text)) is not None:
        what = "the user or the password is wrong" if way[1] == "password" else f"{way[1]} authentication failed"
        return AnswerError(f"{place} does not let this user in: {what}")
    if "no pg_hba.conf entry" in text or "pg_hba.conf rejects" in text:
        return AnswerError(f"{place} does not let this user in from here: {_said(text)}")
    if ('database "' in text and "does not exist" in text) or "no such database" in text:
        return AnswerError(f"there is no database {place}")
    if 'role "' in text or "no such user" in text:
        return AnswerError(f"{place} does not let this user in: {_said(text)}")
    if "session is read-only" in text or "session is not read-only" in text or "hot standby mode" in text or "in recovery" in text:
        return AnswerError(f"{place} is not what target_session_attrs of the connection string asks for: {_said(text)}")
    if _SAID.search(text) is None:
        return None
    why = "the user or the password is wrong, or: " if used_password else ""
    return AnswerError(f"{place} does not let us in: {why}{_said(text)}")


def _encryption(peer: str, text: str) -> Fault | None:
    if "root certificate file" in text or "could not read root certificate" in text or "certificate file" in text:
        return AskError(f"a file that the connection string names for TLS cannot be used: {_said(text)}")
    if "does not match host name" in text:
        return AnswerError(f"the TLS certificate of {peer} is not valid for that name: {_said(text)}")
    if "certificate verify failed" in text:
        return AnswerError(f"the TLS certificate of {peer} is not accepted: it has expired, or its authority is not trusted here")
    if "server does not support SSL" in text:
        return AnswerError(f"{peer} does not speak TLS, which the connection string requires (sslmode)")
    if "SSL error" in text or "SSL SYSCALL" in text:
        return AnswerError(f"the TLS handshake with {peer} failed: {_said(text)}")
    return None


def _transport(place: str, peer: str, text: str) -> Fault:
    if any(words in text for words in _NOT_POSTGRESQL):
        return AnswerError(f"{peer} answers something that is not PostgreSQL")
    if "server closed the connection unexpectedly" in text:
        return AnswerError(f"{peer} closed the connection without an answer")
    for number in _SYSTEM:
        if os.strerror(number) in text:
            return socket_fault(peer, OSError(number, ""))
    if "No such file or directory" in text and peer.startswith("/"):
        return AnswerError(f"no server listens on the socket {peer}")
    if "Permission denied" in text and peer.startswith("/"):
        return AskError(f"this user may not open the socket {peer}")
    return AnswerError(f"no connection to {place}: {_said(text)}")


def _said(text: str) -> str:
    """The reason as the server or libpq gave it: quoted, without the part that repeats the address."""
    found = _SAID.search(text)
    line = found[1] if found else next((line for line in text.splitlines() if line.strip()), "").rpartition(" failed: ")[2]
    return quoted(line.strip(), _LONGEST)
