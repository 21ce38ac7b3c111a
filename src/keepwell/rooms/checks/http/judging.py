"""The judgement of one response: status and address, headers, body, and how long it took."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urljoin

from keepwell.kernel.comparisons import Unit, describe
from keepwell.kernel.conditions import Scalar, json_value
from keepwell.kernel.conditions import judge as judge_json
from keepwell.kernel.redaction import redact_patterns
from keepwell.kernel.states import State
from keepwell.ports.http import Response
from keepwell.rooms.checks.limits import Verdict, finite, judge
from keepwell.rooms.checks.texts import Wanted, missed, show

from .bodies import json_document, xml_document
from .expect import Expect
from .names import PHASES, filled, places
from .options import RequestOptions
from .xml import local_name, xml_value

_QUOTED_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,3})?")


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdicts on one response, and its named numbers."""

    verdicts: tuple[Verdict, ...]
    values: Mapping[str, float]

    @property
    def failed(self) -> bool:
        """Whether anything is not as expected."""
        return any(verdict.state is State.FAIL for verdict in self.verdicts)


def judged(options: RequestOptions, response: Response, kept: Mapping[str, str]) -> Judged:
    """Status and address first, then headers, then the body. ``kept`` is what earlier steps kept."""
    verdicts = [_first_verdict(options, response)]
    verdicts += [Verdict(State.FAIL, clause) for clause in (*_header_misses(options.expect, response), *_body_misses(options, response))]
    values = measured(response)
    expected = {path: _expected(value, kept) for path, value in options.expect.json_values.items()}
    if expected or options.values:
        try:
            document = json_document(response)
            verdicts += _json_verdicts(options, document, expected)
            values |= _numbers(options, document)
        except ValueError as error:
            verdicts.append(Verdict(State.FAIL, str(error)))
    if options.expect.asks_xml:
        verdicts += _xml_verdicts(options.expect, response)
    return Judged(tuple(verdicts), values)


def _expected(value: Scalar, kept: Mapping[str, str]) -> Scalar:
    """What is expected; a kept value is compared as it is, whatever it begins with."""
    return f"== {filled(value, kept)}" if isinstance(value, str) and places(value) else value


def expected_status(expect: Expect) -> str:
    """``200 or 2xx``."""
    return " or ".join(str(status) for status in expect.statuses)


def shown_url(url: str) -> str:
    """An address for a sentence, without a password in it."""
    return redact_patterns(show(url)[1:-1])


def measured(response: Response) -> dict[str, float]:
    """What is measured of every response."""
    phases = response.phases
    seconds = (phases.dns, phases.connect, phases.tls, phases.first_byte, phases.total)
    values = dict(zip(PHASES, (*seconds, float(response.status), float(len(response.body))), strict=True))
    return values if response.certificate_seconds is None else values | {"certificate_days_left": response.certificate_seconds / 86400}


def _first_verdict(options: RequestOptions, response: Response) -> Verdict:
    """What was asked and answered, how long it took, and whether status and address are as expected; the limits on time where they are."""
    took = response.phases.total
    expect = options.expect
    first = response.passed[0] if response.passed else response.url
    by = (
        f" (through {len(response.passed)} redirect{'s' if len(response.passed) > 1 else ''} from {shown_url(response.url)})"
        if response.passed
        else ""
    )
    seen = f"{options.method} {shown_url(first)} answered {response.status}{by} in {describe(took, Unit.SECONDS)}"
    if not any(wanted in (response.status, f"{response.status // 100}xx") for wanted in expect.statuses):
        return Verdict(State.FAIL, f"{seen}, expected {expected_status(expect)}")
    if missed_address := _address_miss(expect, response):
        return Verdict(State.FAIL, f"{seen}, {missed_address}")
    return judge(seen, took, options.warn, options.fail)


def _address_miss(expect: Expect, response: Response) -> str:
    """What is wrong with where the response led, or came from; empty where that is as expected."""
    if expect.location is not None:
        given = next((value for name, value in response.headers.items() if name.lower() == "location"), None)
        if given is None:
            return f"expected a redirect to {shown_url(expect.location)}, and there is no header Location"
        if _absolute(response.url, given) != _absolute(response.url, expect.location):
            return f"redirects to {shown_url(given)}, expected {shown_url(expect.location)}"
    if expect.final_url is not None and _absolute(response.url, expect.final_url) != response.url:
        return f"the last address is {shown_url(response.url)}, expected {shown_url(expect.final_url)}"
    return ""


def _absolute(base: str, url: str) -> str:
    try:
        return urljoin(base, url)
    except ValueError:
        return url


def _header_misses(expect: Expect, response: Response) -> Iterator[str]:
    if not expect.headers:
        return
    present = {name.lower(): value for name, value in response.headers.items()}
    for name, wanted in expect.headers.items():
        value = present.get(name.lower())
        if value is None:
            yield f"there is no header {name}, expected one with {show(wanted)}"
        elif wanted not in value:
            yield f"the header {name} is {redact_patterns(show(value))}, expected one with {show(wanted)}"


def _body_misses(options: RequestOptions, response: Response) -> list[str]:
    expect = options.expect
    if not (expect.body or expect.body_not or expect.body_matches):
        return []
    wanted = Wanted(expect.body, expect.body_not, expect.body_matches)
    return missed("the body", response.body.decode(errors="replace"), wanted, complete=not response.truncated)


def _json_verdicts(options: RequestOptions, document: object, expected: Mapping[str, Scalar]) -> Iterator[Verdict]:
    """Each value that is not as expected with its sentence; those that are, in one clause: they need no reading."""
    results = [judge_json(document, path, value) for path, value in expected.items()]
    held = [sentence for holds, sentence in results if holds]
    yield from (Verdict(State.FAIL, sentence) for holds, sentence in results if not holds)
    if held:
        yield Verdict(State.OK, held[0] if len(results) == 1 else f"{len(held)} of {len(results)} JSON values are as expected")
    for name, path in options.values.items():
        if _number(document, path) is None:
            yield Verdict(State.WARN, f"there is no number at json.{path} to keep as {name}")


def _xml_verdicts(expect: Expect, response: Response) -> Iterator[Verdict]:
    try:
        root = xml_document(response)
    except ValueError as error:
        yield Verdict(State.FAIL, str(error))
        return
    name = local_name(root.tag)
    if expect.xml_root is not None and name != expect.xml_root:
        yield Verdict(State.FAIL, f"the root element is {show(name)}, expected {show(expect.xml_root)}")
    for path in expect.xml_has:
        if xml_value(root, path) is None:
            yield Verdict(State.FAIL, f"{show(name)[1:-1]} holds no {path}")
    for path, wanted in expect.xml_values.items():
        value = xml_value(root, path)
        if value is None:
            yield Verdict(State.FAIL, f"xml.{path} is missing, expected {show(wanted)}")
        elif not judge_json({"value": value}, "value", wanted)[0]:
            yield Verdict(State.FAIL, f"xml.{path} is {show(value)}, expected {show(wanted)}")


def _numbers(options: RequestOptions, document: object) -> dict[str, float]:
    named = {_value_name(path): path for path in options.expect.json_values} | options.values
    numbers = {name: _number(document, path) for name, path in named.items()}
    return {name: number for name, number in numbers.items() if number is not None}


@lru_cache(maxsize=4096)
def _value_name(path: str) -> str:
    return f"json_{re.sub('[^A-Za-z0-9]+', '_', path).strip('_')}"


def _number(document: object, path: str) -> float | None:
    """The number at that path, also one in quotes, as Prometheus writes its figures."""
    value = json_value(document, path)
    if isinstance(value, str) and _QUOTED_NUMBER.fullmatch(value):
        return finite(float(value))
    return finite(value)
