"""What a conversation that failed after the connection stood means. All of it is the target's doing, save what the socket says of us."""

import ssl

import aiohttp
from aiohttp.http_exceptions import ContentEncodingError, HttpProcessingError

from keepwell.kernel.problems import AnswerError
from keepwell.kernel.quoting import quoted

from .http_connector import Hop, Stage
from .network_errors import Fault, handshake_fault, socket_fault


def answer_fault(hop: Hop, error: Exception, received: int = 0) -> Fault:
    """The sentence for an error of aiohttp or of the socket; ``received`` is how many bytes of the body had come."""
    root = _root(error)
    if isinstance(root, ssl.SSLError):
        return handshake_fault(hop.peer, root)
    if hop.stage is Stage.READING:
        return _broken_body(hop, error, received)
    if isinstance(error, HttpProcessingError):
        return _broken_head(hop, error)
    if isinstance(error, aiohttp.ServerDisconnectedError):
        sent_something = hop.first_byte > 0
        return AnswerError(f"{hop.peer} closed the connection {'in the middle of' if sent_something else 'without'} an answer")
    if isinstance(root, OSError):
        return socket_fault(hop.peer, root)
    return AnswerError(f"{hop.peer} answered something that is not HTTP")


def _root(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _broken_head(hop: Hop, error: HttpProcessingError) -> Fault:
    said = error.message.strip().partition("\n")[0].rstrip(": ")
    if said.startswith(("Got more than", "Too many headers")):
        return AnswerError(f"{hop.peer} sends a head without end (a line beyond 8190 bytes or more than 128 headers)")
    if not said or said.startswith("Bad status line"):
        return AnswerError(f"{hop.peer} answered something that is not HTTP")
    return AnswerError(f"{hop.peer} gave an answer that breaks the rules of HTTP: {quoted(said)[1:-1]}")


def _broken_body(hop: Hop, error: Exception, received: int) -> Fault:
    if isinstance(_root(error), ContentEncodingError) or "decode" in str(error).lower():
        return AnswerError(f"the body that {hop.peer} sent is not in the encoding that its head states")
    return AnswerError(f"the answer of {hop.peer} broke off after {received} bytes of its body")
