"""What an HTTP reply means for a notice: delivered, try later, or refused.

As in Alertmanager (notify/util.go, Retrier.Check) 2xx is delivered and 5xx is tried again. Beside these we try again after 408, 425 and
429 (RFC 9110 section 15.5.9, RFC 8470 section 5.2, RFC 6585 section 4), waiting as long as ``Retry-After`` asks; and after 401, 403 and
407: who we are was not believed, and the same message is taken once the secret is the right one again.
"""

from datetime import datetime
from email.utils import parsedate_to_datetime

from keepwell.kernel.quoting import quoted
from keepwell.ports.http import Response

from .model import Delivered, Outcome, Refused, TryLater

_AGAIN = frozenset({401, 403, 407, 408, 425, 429})
_LONGEST_WAIT = 3600.0
"""Seconds at most that a receiver may make us wait: a wrong header shall not hold a notice for days."""
_WHOLE = 1 << 20  # cut only once secrets are out of it: a cut through a secret would leave its half


def understand_http(response: Response) -> Outcome:
    """The outcome by status alone."""
    if 200 <= response.status < 300:
        return Delivered()
    why = f"answered with status {response.status}{said(response)}"
    if response.status >= 500 or response.status in _AGAIN:
        return TryLater(why, after=retry_after(response))
    return Refused(why)


def said(response: Response) -> str:
    """The body as a clause of a sentence, however long; empty where there is none."""
    text = " ".join(response.body.decode("utf-8", "replace").split())
    return f": {quoted(text, _WHOLE)}" if text else ""


def retry_after(response: Response) -> float | None:
    """The seconds of ``Retry-After`` (RFC 9110 section 10.2.3: seconds, or an instant, counted from the reply's own ``Date``), at most an
    hour; None where there is none that can be read."""
    headers = {name.lower(): value for name, value in response.headers.items()}
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), _LONGEST_WAIT)
    until, now = _instant(text), _instant(headers.get("date", ""))
    if until is None or now is None:
        return None
    return min(max((until - now).total_seconds(), 0.0), _LONGEST_WAIT)


def _instant(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo is not None else None
