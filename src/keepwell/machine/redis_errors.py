"""What the errors of Redis mean when it is let in or asked whether it lives (server.c and networking.c of redis/redis)."""

from keepwell.kernel.problems import AnswerError
from keepwell.kernel.quoting import quoted
from keepwell.ports.redis import ReplyFault

_LONGEST = 160
_STATES = {
    "LOADING": "is still loading its data from disk",
    "MASTERDOWN": "has lost its primary and is configured not to serve old data",
    "MISCONF": "cannot save to disk and refuses writes",
    "BUSY": "is busy with a script that does not end",
    "CLUSTERDOWN": "belongs to a cluster that is down",
    "OOM": "has no memory left under its maxmemory",
    "DENIED": "takes connections of its own machine only: it has no password and runs in protected mode",
    "NOAUTH": "wants a password, and none is given",
    "WRONGPASS": "refuses this user name and password",
    "NOPERM": "lets us in, and this user may not even send PING",
}
_TEXTS = (
    ("max number of clients reached", "has no connection left for us (maxclients is reached)"),
    ("invalid password", "refuses the password"),
    ("no password is set", "has no password, and one is given"),
    ("without any password configured", "has no password, and one is given"),
    ("DB index is out of range", "has no database of that number"),
    ("invalid DB index", "has no database of that number"),
)


def reply_fault(peer: str, fault: ReplyFault) -> AnswerError:
    """What this error says of the server at ``peer`` (``host:port``)."""
    meaning = next((words for text, words in _TEXTS if text in fault.text), _STATES.get(fault.code))
    if meaning is None:
        return AnswerError(f"{peer} answers with an error: {quoted(fault.text, _LONGEST)}")
    return AnswerError(f"{peer} {meaning} ({quoted(fault.text, _LONGEST)})")
