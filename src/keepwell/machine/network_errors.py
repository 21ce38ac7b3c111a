"""What a failed look-up, connection or handshake means: whose fault it is, and one sentence for a person.

An answer (AnswerError) is what the target, or the name service speaking with authority, said. Everything that says only something of
this machine or of the way to the target is ours (AskError), and so is every error number that nobody classified.
"""

import errno
import os
import socket
import ssl
from collections.abc import Sequence

from keepwell.kernel.problems import AnswerError, AskError
from keepwell.kernel.quoting import quoted

Fault = AskError | AnswerError

_UNKNOWN_NAME = frozenset({socket.EAI_NONAME, socket.EAI_NODATA})

# RFC 9293 section 3.10.7 (RST), RFC 1122 section 4.2.3.5 (time limit of the handshake): the other side, or its silence, spoke.
_ANSWERS = {
    errno.ECONNREFUSED: "connection refused by {peer}",
    errno.ECONNRESET: "{peer} reset the connection",
    errno.ECONNABORTED: "{peer} aborted the connection",
    errno.EPIPE: "{peer} closed the connection while it was being asked",
    errno.ETIMEDOUT: "no answer from {peer}",
}
_OWN_FAULTS = {
    errno.EMFILE: "this process has no file descriptor left to connect to {peer}",
    errno.ENFILE: "this machine has no file descriptor left to connect to {peer}",
    errno.ENETUNREACH: "this machine has no route to the network of {peer}",
    errno.EHOSTUNREACH: "this machine has no route to {peer}",
    errno.EHOSTDOWN: "this machine has no route to {peer}",
    errno.ENETDOWN: "the network of this machine is down",
    errno.EADDRNOTAVAIL: "this machine has no address or port left from which to connect to {peer}",
    errno.EACCES: "this machine does not permit a connection to {peer}",
    errno.EPERM: "this machine does not permit a connection to {peer}",
    errno.ENOMEM: "this machine has no memory left to connect to {peer}",
    errno.ENOBUFS: "this machine has no memory left to connect to {peer}",
}
# asyncio raises some of these without an error number.
_CLASSES: dict[type[OSError], int] = {
    ConnectionRefusedError: errno.ECONNREFUSED,
    ConnectionResetError: errno.ECONNRESET,
    ConnectionAbortedError: errno.ECONNABORTED,
    BrokenPipeError: errno.EPIPE,
}

# X509_V_ERR_* of OpenSSL's x509_vfy.h.
CERTIFICATE_NOT_YET_VALID = 9
CERTIFICATE_EXPIRED = 10
SELF_SIGNED = 18
SELF_SIGNED_IN_CHAIN = 19
UNKNOWN_ISSUER = (2, 20, 21)
WRONG_HOST = 62
WRONG_ADDRESS = 64


def resolver_fault(host: str, error: OSError) -> Fault:
    """What getaddrinfo(3) said: the name does not exist (the target's fault), or the resolver gave no answer (ours)."""
    if error.errno in _UNKNOWN_NAME:
        return AnswerError(f"the name {host} does not exist")
    if error.errno == socket.EAI_AGAIN:
        return AskError(f"the resolver does not answer the question for {host}")
    return AskError(f"the resolver failed at {host}: {error.strerror or error}")


def socket_fault(peer: str, error: OSError) -> Fault:
    """What an error of a socket to ``peer`` (``host:port``) means."""
    number = error.errno if error.errno is not None else _CLASSES.get(type(error))
    if number in _ANSWERS:
        return AnswerError(_ANSWERS[number].format(peer=peer))
    if number in _OWN_FAULTS:
        return AskError(_OWN_FAULTS[number].format(peer=peer))
    return AskError(f"could not connect to {peer}: {os.strerror(number) if number else error}")


def worst_fault(peer: str, errors: Sequence[OSError]) -> Fault:
    """Of the errors of several addresses of one name, the most telling: what a target said stands before what this machine lacks."""
    faults = [socket_fault(peer, error) for error in errors]
    return next((fault for fault in faults if isinstance(fault, AnswerError)), faults[0])


def handshake_fault(peer: str, error: ssl.SSLError) -> AnswerError:
    """A TLS handshake that failed for another reason than the certificate (RFC 8446 section 6 names the alerts)."""
    reason = (error.reason or "").replace("_", " ").lower()
    if error.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"):
        return AnswerError(f"{peer} answered something that is not TLS")
    if not reason or isinstance(error, ssl.SSLEOFError):
        return AnswerError(f"{peer} closed the connection during the TLS handshake")
    return AnswerError(f"the TLS handshake with {peer} failed: {reason}")


def certificate_fault(host: str, error: ssl.SSLCertVerificationError, der: bytes | None) -> AnswerError:
    """Why the certificate of ``host`` was not accepted; ``der`` is the certificate itself where it could be had."""
    code = error.verify_code
    if code == SELF_SIGNED:
        return AnswerError("the certificate is self-signed")
    if code == SELF_SIGNED_IN_CHAIN:
        return AnswerError("the certificate comes from an authority that is not trusted here (its chain ends in a self-signed one)")
    if code in UNKNOWN_ISSUER:
        return AnswerError("the certificate comes from an authority that is not trusted here, or an intermediate certificate is missing")
    if der is not None and (sentence := _said_by_certificate(host, code, der)):
        return AnswerError(sentence)
    return AnswerError(f"the certificate is not valid: {error.verify_message.rstrip('.')}")


def _said_by_certificate(host: str, code: int, der: bytes) -> str:
    from cryptography import x509  # costs 30 ms: only a broken certificate is worth it

    try:
        certificate = x509.load_der_x509_certificate(der)
        if code == CERTIFICATE_EXPIRED:
            return f"the certificate expired on {certificate.not_valid_after_utc:%Y-%m-%d}"
        if code == CERTIFICATE_NOT_YET_VALID:
            return f"the certificate is not valid before {certificate.not_valid_before_utc:%Y-%m-%d}"
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        shown = [str(name.value) for name in names if isinstance(name, x509.DNSName | x509.IPAddress)]
    except (ValueError, x509.ExtensionNotFound):
        return f"the certificate names no host, so it is not for {host}" if code in (WRONG_HOST, WRONG_ADDRESS) else ""
    if code not in (WRONG_HOST, WRONG_ADDRESS):
        return ""
    text = ", ".join(quoted(name)[1:-1] for name in shown[:3]) + (f" and {len(shown) - 3} more" if len(shown) > 3 else "")
    return f"the certificate is for {text or 'no host'}, not {host}"
