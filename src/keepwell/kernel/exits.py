"""The exit codes of every command, in one table; docs/exit-codes.md is generated from it."""

from enum import IntEnum


class Exit(IntEnum):
    """What a command's exit code says. ``keepwell check`` alone answers like a Nagios plugin (see ``State.exit_code``)."""

    OK = 0
    """Done, and the answer is good."""
    NEGATIVE = 1
    """Done, and the answer is no: problems were found, a verification failed, something awaits acceptance, a value or a decision."""
    COULD_NOT = 2
    """Not done: bad usage, unreadable or invalid input, a data directory or port in use, a server that does not answer."""
    INTERNAL = 3
    """An internal fault: a defect in Keepwell. Its traceback is in the log."""
    INTERRUPTED = 130
    """Ended by Ctrl-C (128 + SIGINT, as shells count). ``keepwell up`` stops gracefully on SIGINT and SIGTERM and gives 0."""
