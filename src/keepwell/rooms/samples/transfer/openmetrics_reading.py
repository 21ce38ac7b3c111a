"""OpenMetrics text with instants, line by line, as a backfill has it; and what ``promtool tsdb dump`` prints.

Each line is held to the strict grammar of OpenMetrics 1.0. The order of lines is free, as ``promtool tsdb create-blocks-from openmetrics``
takes it: samples of a family may stand anywhere, and instants may go back. Exemplars are passed over.
"""

import math
import re
from collections.abc import Callable
from dataclasses import replace

from keepwell.rooms.samples.model import Labels, Metric
from keepwell.rooms.samples.scraping.parse import PageError, openmetrics

from .families import SUFFIXES, known_as
from .lines import LONGEST, Chunk
from .reading import LATEST, Gathered

_VALUES = re.compile(rb"[0-9.eE+naNfIiFtTyYA,-]*")
_TIMES = re.compile(rb"[0-9.eE+,-]*")
_VALUE = re.compile(
    rb"[+-]?(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?|[iI][nN][fF](?:[iI][nN][iI][tT][yY])?|[nN][aA][nN])"
)
_TIME = re.compile(rb"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
_METADATA = re.compile(r'# (TYPE|HELP|UNIT) ("(?:[^"\\]|\\.)*"|[^ ]+) (.*)', re.DOTALL)
_MOST_KEYS = 500_000
_KINDS = frozenset(SUFFIXES)


class OpenMetricsReader:
    """Reads OpenMetrics: instants are seconds."""

    def __init__(self, gathered: Gathered, read_series: "Callable[[bytes], Labels] | None" = None, unit: float = 1000.0) -> None:
        self._gathered = gathered
        self._read_series = read_series or _strict_series
        self._unit = unit
        self._keys: dict[bytes, int] = {}
        self._families: dict[str, Metric] = {}
        self._ended = False

    @property
    def gathered(self) -> Gathered:
        """What was read."""
        return self._gathered

    def feed(self, chunk: Chunk) -> None:
        """Reads lines: those whose series is known at once, all others one by one."""
        if chunk.too_long:
            self._gathered.complain(chunk.first, f"it is longer than {LONGEST} bytes", chunk.texts[0])
            return
        texts = [text.removesuffix(b"\r") for text in chunk.texts] if chunk.texts[0].endswith(b"\r") else chunk.texts
        if self._ended or not self._at_once(chunk.first, texts):
            for number, text in enumerate(texts, chunk.first):
                self._one(number, text.removesuffix(b"\r"))

    def end(self, is_whole: bool) -> None:
        """Complains about a text that does not end as it must."""
        if not self._ended:
            self._gathered.complain(0, "it does not end with # EOF: it broke off, or is not OpenMetrics", b"")

    def _at_once(self, first: int, texts: list[bytes]) -> bool:
        """Takes all these lines, where all can be taken without looking closer; else none."""
        keys = self._keys
        series: list[int] = []
        values: list[bytes] = []
        times: list[bytes] = []
        lines: list[int] = []
        left: list[tuple[int, bytes]] = []
        for number, text in enumerate(texts, first):
            parts = text.rsplit(b" ", 2)
            known = keys.get(parts[0], -1)
            if known < 0 or len(parts) < 3:
                left.append((number, text))
                continue
            series.append(known)
            values.append(parts[1])
            times.append(parts[2])
            lines.append(number)
        if not (_VALUES.fullmatch(b",".join(values)) and _TIMES.fullmatch(b",".join(times))):
            return False
        try:
            milliseconds = [float(time) * self._unit for time in times]
            numbers = list(map(float, values))
        except ValueError:
            return False
        if any(map(math.isinf, numbers)) or b"# EOF" in texts:
            return False  # a number that is too large looks like infinity, and nothing may stand behind the end
        if milliseconds and not -LATEST < min(milliseconds) <= max(milliseconds) < LATEST:
            return False
        self._gathered.add(series, milliseconds, numbers, lines)
        for number, text in left:
            self._one(number, text)
        return True

    def _one(self, number: int, text: bytes) -> None:
        try:
            if self._ended and text:
                raise ValueError("it stands behind # EOF")
            if text.startswith(b"#"):
                self._comment(text.decode())
            elif text:
                self._sample(number, text)
        except UnicodeDecodeError as error:
            self._gathered.complain(number, f"the byte 0x{error.object[error.start]:02x} is no UTF-8", text)
        except ValueError as error:
            self._gathered.complain(number, str(error), text)

    def _sample(self, number: int, text: bytes) -> None:
        parts = without_exemplar(text).rsplit(b" ", 2)
        if len(parts) == 3 and _VALUE.fullmatch(parts[1]) and _TIME.fullmatch(parts[2]):
            milliseconds = float(parts[2]) * self._unit
            if not -LATEST < milliseconds < LATEST:
                raise ValueError("its instant is no time that can be meant")
            value = float(parts[1])
            if math.isinf(value) and parts[1][-1:].isdigit():
                raise ValueError("its value is larger than any number that is kept")
            known = self._keys.get(parts[0])
            if known is None:
                known = self._gathered.name(self._read_series(parts[0]))
                if len(self._keys) < _MOST_KEYS:
                    self._keys[parts[0]] = known
            self._gathered.add([known], [milliseconds], [value], [number])
            return
        _explain(text)

    def _comment(self, text: str) -> None:
        if text == "# EOF":
            self._ended = True
            return
        found = _METADATA.fullmatch(text)
        if found is None:
            return
        word, name, said = found.groups()
        name = _unescaped(name[1:-1]) if name.startswith('"') else name
        before = self._families.get(name, Metric())
        if word == "TYPE":
            metric = replace(before, kind=said if said in _KINDS else "unknown")
        else:
            metric = replace(before, help=_unescaped(said)) if word == "HELP" else replace(before, unit=said)
        self._families[name] = self._gathered.metrics[known_as(name, metric.kind)] = metric


def dump_reader(gathered: Gathered) -> OpenMetricsReader:
    """A reader of what ``promtool tsdb dump`` prints: labels as Go quotes them, instants in milliseconds, no # EOF."""
    return _DumpReader(gathered, go_series, 1.0)


class _DumpReader(OpenMetricsReader):
    def end(self, is_whole: bool) -> None:
        """Complains about a last line that was cut."""
        if not is_whole:
            self._gathered.complain(0, "its last line has no end: it broke off", b"")


def without_exemplar(text: bytes) -> bytes:
    """A line up to its exemplar: up to the first `` # `` that stands in no quotes."""
    begin = 0
    while (place := text.find(b" # ", begin)) >= 0:
        quotes = text.count(b'"', 0, place) - len(re.findall(rb'(?<!\\)(?:\\\\)*\\"', text[:place]))
        if quotes % 2 == 0:
            return text[:place]
        begin = place + 1
    return text


def _strict_series(text: bytes) -> Labels:
    """The labels of a series as its lines begin. Raises ValueError."""
    try:
        page = openmetrics(_announced(text.decode()) + " 1 1\n# EOF\n")
    except PageError as error:
        raise ValueError(error.why.partition(': "')[0]) from None  # without the line, which the complaint has
    if len(page) != 1:
        raise ValueError("it is no sample")
    return next(iter(page.fresh.values()))


def _announced(line: str) -> str:
    """A line as a text of its own: the library takes a quoted name only behind a line that says what it is."""
    name = re.match(r'\{("(?:[^"\\\n]|\\.)*")', line)
    return f"# TYPE {name[1]} unknown\n{line}" if name else line


def _explain(text: bytes) -> None:
    """Raises ValueError: why a line is no sample with an instant."""
    try:
        openmetrics(_announced(text.decode()) + "\n# EOF\n")
    except PageError as error:
        raise ValueError(error.why.partition(': "')[0]) from None  # without the line, which the complaint has
    raise ValueError("it states no instant, and only samples with instants can be brought in")


_PAIR = re.compile(rb'([a-zA-Z_][a-zA-Z0-9_]*|"(?:[^"\\]|\\.)*")="((?:[^"\\]|\\.)*)"(?:, ?|$)')
_GO_ESCAPE = re.compile(rb'\\(?:([abfnrtv\\"\'])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|.)', re.DOTALL)
_GO_LETTERS = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


def go_series(text: bytes) -> Labels:
    """Labels as Prometheus prints them: ``{__name__="x", a="b"}``, values quoted as by Go's strconv.Quote. Raises ValueError."""
    inner = text[1:-1]
    if text[:1] != b"{" or text[-1:] != b"}":
        raise ValueError("it does not begin with labels in braces")
    labels: dict[str, str] = {}
    place = 0
    while place < len(inner):
        found = _PAIR.match(inner, place)
        if found is None:
            raise ValueError("its labels cannot be read")
        name = found[1][1:-1] if found[1].startswith(b'"') else found[1]
        labels[_GO_ESCAPE.sub(_go_escape, name).decode()] = _GO_ESCAPE.sub(_go_escape, found[2]).decode()
        place = found.end()
    return labels


def _go_escape(found: re.Match[bytes]) -> bytes:
    letter, byte, short, long, octal = found.groups()
    if letter:
        return _GO_LETTERS.get(letter, letter)
    if byte:
        return bytes.fromhex(byte.decode())
    if octal:
        return bytes([int(octal, 8) & 255])
    if short or long:
        return chr(min(int(short or long, 16), 0x10FFFF)).encode()
    raise ValueError("its labels have an escape that Go does not write")


def _unescaped(text: str) -> str:
    return re.sub(r'\\(["\\n])', lambda found: "\n" if found[1] == "n" else found[1], text)
