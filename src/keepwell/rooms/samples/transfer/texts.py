"""Numbers and instants as text, many at a time."""

from collections.abc import Sequence

import numpy as np

from keepwell.rooms.samples.model import Instants, Values

_SPECIAL = {"nan": "NaN", "inf": "+Inf", "-inf": "-Inf"}


def value_texts(values: Values) -> list[str]:
    """The shortest texts that read back as the same numbers; NaN, +Inf and -Inf as in OpenMetrics 1.0 ("Numbers"). Every NaN is NaN."""
    texts = list(map(repr, values.tolist()))
    return texts if bool(np.isfinite(values).all()) else [_SPECIAL.get(text, text) for text in texts]


def second_texts(at: Instants) -> list[str]:
    """Milliseconds since 1970 as seconds with three digits behind the point."""
    if len(at) and int(at.min()) < 0:
        return [f"{'-' if one < 0 else ''}{abs(one) // 1000}.{abs(one) % 1000:03d}" for one in at.tolist()]
    return [f"{one[:-3]}.{one[-3:]}" for one in (str(number).zfill(4) for number in at.tolist())]


def iso_texts(at: Instants) -> list[str]:
    """Milliseconds since 1970 as RFC 3339 in UTC, without the Z at its end."""
    texts: list[str] = np.datetime_as_string(at.astype("datetime64[ms]"), unit="ms").tolist()
    return texts


def joined(parts: Sequence[str]) -> bytes:
    """Texts as one piece of UTF-8."""
    return "".join(parts).encode()
