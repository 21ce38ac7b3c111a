"""What every control does first with an answer: take its text, or say why there is none."""

from keepwell.kernel.problems import AnswerError, AskError
from keepwell.kernel.quoting import quoted
from keepwell.ports.runner import Result

C_LOCALE = {"LC_ALL": "C"}

_LONGEST = 200


def text_of(result: Result, asked: str, allowed: tuple[int, ...] = (0,)) -> str:
    """What a command printed. Raises AskError where not all of it may be read or kept, AnswerError where it ended with another status
    than ``allowed``."""
    errors = [line.strip() for line in result.stderr.splitlines() if line.strip()]
    refused = next((line for line in errors if "Permission denied" in line or "Operation not permitted" in line), "")
    if refused:
        raise AskError(f"{asked} may not read everything: {shown(refused)}")
    if result.dropped[0]:
        raise AskError(f"{asked} printed more than can be kept: narrow the audit down")
    if result.timed_out:
        raise AnswerError(f"{asked} had not ended after {result.seconds:.0f} s and was killed")
    if result.status not in allowed:
        reason = shown((errors or result.stdout.splitlines() or ["nothing was said"])[0])
        how = f"was killed by signal {result.signal}" if result.signal is not None else f"ended with status {result.status}"
        raise AnswerError(f"{asked} {how}: {reason}")
    return result.stdout


def shown(text: str) -> str:
    """Foreign text for a sentence: one line, not too long, nothing unprintable."""
    return quoted(text.strip(), _LONGEST)
