"""Moments as Alertmanager's API writes and reads them."""

import re
from datetime import UTC, datetime

_FORM = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)?", re.ASCII)
_ZERO = "0001-01-01T00:00:00"


def instant(at: datetime) -> str:
    """RFC 3339 in UTC with milliseconds: ``2026-11-22T09:42:03.867Z``."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_instant(text: str) -> datetime | None:
    """A moment; None for an empty text and for Go's time of nothing, by which clients leave one out.

    One without a zone is in UTC, as Alertmanager takes it (go-openapi/strfmt, ``ParseDateTime``). Raises ValueError with one sentence.
    """
    found = _FORM.fullmatch(text)
    if not text or (found is not None and f"{found[1]}T{found[2]}" == _ZERO):
        return None
    try:
        if found is None:
            raise ValueError
        zone = "+00:00" if found[4] in (None, "Z") else found[4]
        return datetime.fromisoformat(f"{found[1]}T{found[2]}.{(found[3] or '0')[:6]:0<6}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{text[:40]!r} is no moment: write for example 2026-11-22T09:42:03Z") from None
