"""When maintenance windows were open. Pure; instants are milliseconds since 1970."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from keepwell.kernel.problems import UsageError
from keepwell.kernel.quoting import quoted
from keepwell.kernel.windows import Window, current_window, next_window

from .asked import Stretch, milliseconds

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST = 5000


def chosen(windows: Mapping[str, Window], names: str | None) -> dict[str, Window]:
    """The windows that a list of names means: all of them where nothing is said, none of ``none``. Raises UsageError."""
    if names is None:
        return dict(windows)
    wanted = [name.strip() for name in names.split(",") if name.strip() not in ("", "none")]
    for name in wanted:
        if name not in windows:
            raise UsageError(
                f"windows: {quoted(name)} is not one of the windows", hint=f"write some of {', '.join(sorted(windows)) or 'none'}, or none"
            )
    return {name: windows[name] for name in wanted}


def spans(windows: Iterable[Window], stretch: Stretch) -> list[tuple[int, int]]:
    """When they were open within the stretch, in no order; they may overlap. At most some thousands: a daily window over ten years."""
    found: list[tuple[int, int]] = []
    for window in windows:
        at = _EPOCH + timedelta(milliseconds=stretch.start)
        span = current_window(window, at) or next_window(window, at)
        while span is not None and milliseconds(span[0]) < stretch.end and len(found) < _MOST:
            found.append((milliseconds(span[0]), milliseconds(span[1])))
            span = next_window(window, span[0])
    return found
