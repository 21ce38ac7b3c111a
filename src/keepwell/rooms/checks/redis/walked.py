"""What the walk through the keys of one pattern says."""

from collections.abc import Iterator

from keepwell.rooms.checks.limits import NumberLimits, Verdict, judge
from keepwell.rooms.checks.texts import show

from .info import Server
from .options import LASTING, KeysOptions
from .parts import Reading, count, counted, judged, unknown


def reading(options: KeysOptions, server: Server) -> Reading:
    """The verdicts on the keys that were found."""
    keys = server.keys
    if keys is None:
        return Reading([unknown("nobody walked through the keys")])
    if keys.fault is not None and not keys.matching:
        return Reading([unknown(f"the keys cannot be walked through: {show(keys.fault.text)}")])
    values = {"keys_matching": float(keys.matching), "keys_without_expiry": float(keys.without_expiry)}
    if keys.largest:
        values["largest_key_bytes"] = float(keys.largest_bytes)
    return Reading(list(_verdicts(options, server)), values)


def _verdicts(options: KeysOptions, server: Server) -> Iterator[Verdict]:
    keys = server.keys
    assert keys is not None
    matching, lasting = float(keys.matching), float(keys.without_expiry)
    pattern = show(options.pattern)
    part = "" if keys.complete else " (only a part of the keys was seen)"
    named = f", such as {', '.join(show(name) for name in keys.examples)}" if keys.examples else ""
    if not lasting:
        seen = f"all {counted(matching, 'key')} that match {pattern}{part} expire" if matching else f"no key matches {pattern}{part}"
    else:
        seen = f"{count(lasting)} of {counted(matching, 'key')} that match {pattern}{part} never expire{named}"
    yield judged(seen, lasting, options.without_expiry or NumberLimits(), LASTING)
    if options.count is not None:
        yield judge(f"{counted(matching, 'key')} of the pattern {pattern}{part}", matching, options.count.warn, options.count.fail)
    if options.largest is not None:
        name = f" ({show(keys.largest)})" if keys.largest else ""
        largest = f"the largest of them{part} takes {options.largest.describe(keys.largest_bytes)}{name}"
        yield judge(largest, float(keys.largest_bytes), options.largest.warn, options.largest.fail)
    if keys.fault is not None:
        yield unknown(f"the walk through the keys broke off: {show(keys.fault.text)}")
