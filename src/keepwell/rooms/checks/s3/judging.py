"""What the answers say: the list, the settings, the round trip, and errors told apart."""

from collections.abc import Iterator
from datetime import datetime
from xml.etree import ElementTree

from keepwell.kernel.comparisons import Comparison, Unit, describe
from keepwell.kernel.problems import AnswerError
from keepwell.kernel.states import State
from keepwell.ports.http import Response
from keepwell.rooms.checks.limits import Verdict, given_or, judge
from keepwell.rooms.checks.model import Answer
from keepwell.rooms.checks.texts import show

from .asking import BODY, Asked
from .options import AGE, S3Options
from .replies import Listed, S3Fault, Stored, document, fault, listed, text, texts

_OURS = (
    "RequestTimeTooSkewed",
    "AuthorizationHeaderMalformed",
    "PermanentRedirect",
    "TemporaryRedirect",
    "IllegalLocationConstraintException",
)
_MEANINGS = {
    "NoSuchBucket": "there is no such bucket",
    "AccessDenied": "access is denied to this key",
    "AllAccessDisabled": "all access to it is disabled",
    "SignatureDoesNotMatch": "the signature does not match, so the secret key is wrong",
    "InvalidAccessKeyId": "the access key is not known there",
    "ExpiredToken": "the session's token has expired",
    "InvalidToken": "the session's token is not valid",
    "SlowDown": "it asks us to slow down",
    "ServiceUnavailable": "the service is not available",
    "InternalError": "the service has an internal error",
}
_UNSET = {"NoSuchLifecycleConfiguration", "NoSuchPublicAccessBlockConfiguration"}


def refused(options: S3Options, found: S3Fault | AnswerError, what: str = "") -> Verdict:
    """Why something was not answered, and whose fault that is."""
    name = what or f"the bucket {options.bucket}"
    if isinstance(found, AnswerError):
        return Verdict(State.FAIL, f"{name}: {found}")
    if found.code == "RequestTimeTooSkewed":
        return Verdict(State.UNKNOWN, f"{name}: the clocks of this machine and of the server differ{_skew(found)}")
    state = State.UNKNOWN if found.code in _OURS else State.FAIL
    if found.region and found.region != options.region:
        return Verdict(State.UNKNOWN, f"{name}: it is in the region {show(found.region)}, not {options.region}: set region")
    meaning = _MEANINGS.get(found.code)
    said = f"status {found.status}{f', {show(found.code)}' if found.code else ''}{f': {show(found.message)}' if found.message else ''}"
    return Verdict(state, f"{name}: {meaning} ({said})" if meaning else f"{name} was answered with {said}")


def _skew(found: S3Fault) -> str:
    try:
        sent, held = datetime.fromisoformat(found.request_time), datetime.fromisoformat(found.server_time)
        apart = abs((sent - held).total_seconds())
    except (TypeError, ValueError):
        return ""
    return f" by {describe(apart, Unit.SECONDS)}"


def list_verdicts(options: S3Options, asked: Asked) -> tuple[list[Verdict], dict[str, float]]:
    """What the pages say; they begin with one that is a list."""
    if not options.lists:
        return [Verdict(State.OK, f"the bucket {options.bucket} answers")], {}
    read = [listed(page) for page in asked.pages]
    pages = [found for found in read if isinstance(found, Listed)]
    broken = next((found for found in read if not isinstance(found, Listed)), None)
    objects = [stored for page in pages for stored in page.objects]
    complete = broken is None and not pages[-1].token
    part = "" if complete else " (only a part was seen)"
    count, size = float(len(objects)), float(sum(stored.size for stored in objects))
    limits = options.size
    total = limits.describe(size) if limits is not None else describe(size, Unit.BYTES)
    where = f"{options.bucket}/{options.prefix}" if options.prefix else options.bucket
    seen = f"{describe(count, Unit.NUMBER)} object{'s' if count != 1 else ''} with {total} in {show(where)[1:-1]}{part}"
    verdicts = [judge(seen, count, options.count.warn, options.count.fail) if options.count else Verdict(State.OK, seen)]
    if limits is not None and (limits.warn or limits.fail):
        verdicts.append(judge(f"{total} together{part}", size, limits.warn, limits.fail))
    values = {"objects": count, "objects_bytes": size}
    verdicts += _newest(options, objects, pages[-1].at, part, values)
    if broken is not None:
        verdicts.append(refused(options, broken, "the next page of the list"))
    return verdicts, values


def _newest(options: S3Options, objects: list[Stored], now: datetime | None, part: str, values: dict[str, float]) -> Iterator[Verdict]:
    if options.newest is None and options.newest_size is None:
        return
    if not objects:
        yield Verdict(State.FAIL, "there is no object, so there is no newest one")
        return
    newest = max(objects, key=lambda stored: stored.at)
    name = f"the newest object{part}, {show(newest.key)},"
    values["newest_bytes"] = float(newest.size)
    if now is None:
        yield Verdict(State.UNKNOWN, f"the server does not tell the time, so the age of {name[:-1]} is unknown")
    else:
        age = max(0.0, (now - newest.at).total_seconds())
        values["newest_age_seconds"] = age
        limits: tuple[Comparison | None, Comparison | None] = (None, None)
        if options.newest is not None:
            limits = given_or(options.newest.warn, options.newest.fail, AGE)
        yield judge(f"{name} is {describe(age, Unit.SECONDS)} old", age, *limits)
    if options.newest_size is not None:
        size = options.newest_size
        yield judge(f"{name} has {size.describe(newest.size)}", float(newest.size), size.warn, size.fail)


def setting_verdicts(options: S3Options, asked: Asked) -> Iterator[Verdict]:
    """What the bucket's settings say."""
    for name, answer in asked.settings.items():
        root, words = _SETTINGS[name]
        found = document(answer, root)
        if isinstance(found, S3Fault) and found.code in _UNSET:
            found = ElementTree.Element(root)
        if isinstance(found, S3Fault) and (found.code in ("AccessDenied", "NotImplemented", "MethodNotAllowed") or found.status == 501):
            yield Verdict(State.UNKNOWN, f"{words} cannot be asked for: {show(found.code or str(found.status))}")
        elif isinstance(found, AnswerError) and isinstance(answer, Response):
            yield Verdict(State.UNKNOWN, f"{words} cannot be asked for: this service does not know them")
        elif isinstance(found, ElementTree.Element):
            yield _setting(options, name, found)
        else:
            yield refused(options, found, words)


_SETTINGS = {
    "versioning": ("Versioning", "versions"),
    "lifecycle": ("LifecycleConfiguration", "the lifecycle rules"),
    "publicAccessBlock": ("PublicAccessBlockConfiguration", "the block of public access"),
}


def _setting(options: S3Options, name: str, found: ElementTree.Element) -> Verdict:
    if name == "versioning":
        status = text(found, "Status")
        words = {"Enabled": "versions are kept", "Suspended": "keeping versions is suspended"}.get(status, "versions are not kept")
        return _expected(words, (status == "Enabled") is options.versioning, "kept" if options.versioning else "not kept")
    if name == "lifecycle":
        rules = sum(status == "Enabled" for status in texts(found, "Status"))
        words = f"{rules} lifecycle rule{'s' if rules != 1 else ''} in force"
        return _expected(words, (rules > 0) is options.lifecycle, "at least one" if options.lifecycle else "none")
    wanted = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    missing = [one for one in wanted if text(found, one).lower() != "true"]
    words = f"public access is not blocked by {', '.join(missing)}" if missing else "public access is blocked"
    return _expected(words, not missing, "all four settings on")


def _expected(words: str, right: bool, wanted: str) -> Verdict:
    return Verdict(State.OK, words) if right else Verdict(State.FAIL, f"{words}, expected {wanted}")


def trip_verdicts(options: S3Options, asked: Asked) -> tuple[list[Verdict], dict[str, float]]:
    """Whether the object was written, read back unchanged, and deleted."""
    if not options.round_trip:
        return [], {}
    steps: tuple[tuple[str, Answer | None], ...] = (("writing", asked.put), ("reading", asked.get), ("deleting", asked.delete))
    verdicts = []
    for word, answer in steps:
        if answer is not None and (why := fault(answer)) is not None:
            verdicts.append(refused(options, why, f"{word} {options.round_trip_key}"))
    if isinstance(asked.get, Response) and asked.get.status == 200 and asked.get.body != BODY:
        verdicts.append(Verdict(State.FAIL, f"{options.round_trip_key} was read back and is not what was written"))
    took = sum(answer.phases.total for _, answer in steps if isinstance(answer, Response))
    if not verdicts and asked.delete is not None:
        done = f"an object was written, read back and deleted in {describe(took, Unit.SECONDS)}"
        return [Verdict(State.OK, done)], {"round_trip_seconds": took}
    return verdicts or [Verdict(State.UNKNOWN, "the round trip was not made")], {}
