"""What a conversation that failed after the connection stood means. All of it is the target's doing, save what the socket says of us."""

import ssl

from keepwell.kernel.problems import AnswerError
from keepwell.kernel.quoting import quoted

from .http_answer import LONGEST_LINE, MOST_HEADERS, BrokenAnswer, Flaw
from .http_connector import Hop, Stage
from .network_errors import Fault, handshake_fault, socket_fault


def answer_fault(hop: Hop, error: BrokenAnswer | OSError, received: int = 0) -> Fault:
    """The sentence for an answer that is none, or for an error of the socket; ``received`` is how many bytes of the body had come."""
    if isinstance(error, ssl.SSLError):
        return handshake_fault(hop.peer, error)
    flaw = error.flaw if isinstance(error, BrokenAnswer) else None
    if hop.stage is Stage.READING:
        if flaw is Flaw.PACKED:
            return AnswerError(f"the body that {hop.peer} sent is not in the encoding that its head states")
        return AnswerError(f"the answer of {hop.peer} broke off after {received} bytes of its body")
    return _broken_head(hop, error) if isinstance(error, BrokenAnswer) else socket_fault(hop.peer, error)


def _broken_head(hop: Hop, error: BrokenAnswer) -> Fault:
    if error.flaw is Flaw.CLOSED:
        return AnswerError(f"{hop.peer} closed the connection {'in the middle of' if hop.first_byte > 0 else 'without'} an answer")
    if error.flaw is Flaw.ENDLESS:
        limits = f"a line beyond {LONGEST_LINE} bytes or more than {MOST_HEADERS} headers"
        return AnswerError(f"{hop.peer} sends a head without end ({limits})")
    if error.flaw is Flaw.NOT_HTTP or not error.said:
        return AnswerError(f"{hop.peer} answered something that is not HTTP")
    return AnswerError(f"{hop.peer} gave an answer that breaks the rules of HTTP: {quoted(error.said)[1:-1]}")
