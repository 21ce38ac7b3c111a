"""The person at the terminal: questions on standard error, answers from standard input."""

import sys
import warnings
from getpass import GetPassWarning, getpass

from keepwell.kernel.rendering import harmless


def is_there() -> bool:
    """Whether somebody can answer."""
    return sys.stdin.isatty() and sys.stderr.isatty()


class AtTerminal:
    """``Person`` at the process' own terminal. Ctrl-C and the end of input mean: no more questions."""

    def tell(self, text: str) -> None:
        """Shows a line."""
        print(harmless(text), file=sys.stderr, flush=True)

    def answer(self, question: str) -> str | None:
        """Asks, and gives what was typed."""
        print(harmless(question), end="", file=sys.stderr, flush=True)
        try:
            line = sys.stdin.readline()
        except KeyboardInterrupt:
            line = ""
        if not line:
            print(file=sys.stderr)
        return line.rstrip("\n") if line else None

    def answer_unseen(self, question: str) -> str | None:
        """The same without an echo; None also where the echo cannot be switched off."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", GetPassWarning)
                return getpass(harmless(question), stream=sys.stderr)
        except (KeyboardInterrupt, EOFError, GetPassWarning):
            print(file=sys.stderr)
            return None
