"""What every driver does first with an answer: take its text, or say why there is none."""

import re

from keepwell.kernel.comparisons import Unit, describe
from keepwell.kernel.problems import AnswerError
from keepwell.ports.runner import Result

from .model import Answer
from .texts import LONGEST_SHOWN, first_line, show

_WHOLE = re.compile(r"[0-9]{1,18}")


def text_of(answer: Answer, asked: str) -> str:
    """The text of a file's bytes (UTF-8, with replacement) or of a command's standard output.

    Raises AnswerError with a sentence about ``asked`` (``df``, ``/proc/stat``) where the command did not succeed, or there is no answer.
    """
    if isinstance(answer, bytes):
        return answer.decode(errors="replace")
    if isinstance(answer, Result):
        if not answer.succeeded:
            raise AnswerError(f"{asked} {ending(answer)}{_reason(answer)}")
        return answer.stdout
    if isinstance(answer, AnswerError):
        raise answer
    raise AnswerError(f"{asked} gave no text")


def ending(result: Result) -> str:
    """How a program ended, for a sentence: ``ended with status 2``, ``was killed by signal 9``, ``had not ended after 30 s ...``."""
    if result.timed_out:
        return f"had not ended after {describe(result.seconds, Unit.SECONDS)} and was killed"
    if result.signal is not None:
        return f"was killed by signal {result.signal}"
    return f"ended with status {result.status}"


def whole(text: str) -> int:
    """A whole number of at most 18 digits. Raises ValueError for anything else."""
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"{show(text)} is not a whole number")
    return int(text)


def _reason(result: Result) -> str:
    line = first_line(result.stderr) or first_line(result.stdout)
    return f": {show(line[:LONGEST_SHOWN])}" if line else ""
