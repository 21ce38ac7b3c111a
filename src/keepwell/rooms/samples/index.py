"""The series there are: their numbers, their labels, and which of them a selection means. In memory; the log keeps it (``log.py``)."""

import json
import sys
from array import array
from collections.abc import Iterable, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from keepwell.ports.samples import Matcher

from .admission import DEFAULT_LIMITS, LIMITED, UNFIT, Limits, labels_fault
from .matching import Test as Meaning
from .matching import meaning_of
from .model import Ids, Labels

_canonical = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode

_MOST_REMEMBERED = 256
"""Patterns whose values are remembered."""


def canonical(labels: Labels) -> str:
    """One text for one set of labels: JSON with sorted names."""
    return _canonical(labels)


class SeriesIndex:
    """Labels to numbers and back. Numbers count from 0 and are never given twice. A label of empty value is one that is not there.

    To be asked in one thread. For each label it has the numbers of the series by value: a pattern is tried on the distinct values only.
    """

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self.limits = limits
        self._numbers: dict[str, int] = {}
        self._labels: list[Labels | None] = []
        self._postings: dict[str, dict[str, array[int]]] = {}
        self._sources: dict[str, int] = {}
        self._source_of = array("i")
        self._living: dict[str, int] = {}
        self._unsaved: dict[int, tuple[str, str]] = {}
        self._tried: dict[Matcher, tuple[int, list[str]]] = {}
        self.beyond: dict[str, int] = {}
        """How often a source asked for a series beyond a limit; the key is the source."""

    def __len__(self) -> int:
        return len(self._numbers)

    @property
    def end(self) -> int:
        """One more than the largest number that was ever given."""
        return len(self._labels)

    def of(self, labels: Labels) -> int | None:
        """The number of the series with exactly these labels."""
        number = self._numbers.get(_canonical(labels))
        if number is None and not all(labels.values()):
            number = self._numbers.get(_canonical(_without_empty(labels)))
        return number

    def identify(self, source: str, labels: Labels) -> int:
        """The number of this series, a new one where needed; LIMITED or UNFIT where that is refused."""
        number = self._numbers.get(_canonical(labels))
        if number is not None:
            return number
        labels = _without_empty(labels)
        if labels_fault(labels):
            return UNFIT
        number = self._numbers.get(text := _canonical(labels))
        if number is not None:
            return number
        if len(self) >= self.limits.series or self._living.get(source, 0) >= self.limits.per_source:
            self.beyond[source] = self.beyond.get(source, 0) + 1
            return LIMITED
        number = len(self._labels)
        self._unsaved[number] = (text, source)
        self._take(number, text, labels, source)
        return number

    def add(self, number: int, labels: Labels, source: str) -> None:
        """Puts in a series that the log has, whatever the limits say. A number or labels that are there already stay as they are."""
        text = _canonical(labels)
        if text not in self._numbers and (number >= self.end or self._labels[number] is None):
            self._take(number, text, labels, source)

    def restore(self, number: int, labels: Labels, source: str) -> None:
        """As ``add``, for a series that the log does not have."""
        self.add(number, labels, source)
        if self._numbers.get(text := _canonical(labels)) == number:
            self._unsaved[number] = (text, source)

    def _take(self, number: int, text: str, labels: Labels, source: str) -> None:
        missing = number + 1 - len(self._labels)
        if missing > 0:
            self._labels.extend([None] * missing)
            self._source_of.extend([-1] * missing)
        shared = {}
        for name, value in labels.items():
            by_value = self._postings.setdefault(name, {})
            numbers = by_value.get(value)
            if numbers is None:
                numbers = by_value[value] = array("i")
            numbers.append(number)
            # One object for a text that thousands of series share.
            shared[sys.intern(name)] = sys.intern(value)
        self._numbers[text] = number
        self._labels[number] = shared
        self._source_of[number] = self._sources.setdefault(source, len(self._sources))
        self._living[source] = self._living.get(source, 0) + 1

    def has(self, numbers: Ids) -> NDArray[np.bool_]:
        """Which of these numbers are those of series."""
        present = self._present()
        inside = (numbers >= 0) & (numbers < len(present))
        return inside & present[np.where(inside, numbers, 0)] if len(present) else inside

    def find(self, matchers: Sequence[Matcher]) -> Ids:
        """The series that fit all matchers, ascending. Raises Refused for a pattern that is no RE2 expression."""
        wanted = self._present()
        for matcher in matchers:
            self._narrow(wanted, matcher)
        return np.flatnonzero(wanted).astype(np.int32)

    def _present(self) -> NDArray[np.bool_]:
        return np.frombuffer(self._source_of, np.int32) >= 0 if self._source_of else np.zeros(0, np.bool_)

    def _narrow(self, wanted: NDArray[np.bool_], matcher: Matcher) -> None:
        test = meaning_of(matcher)
        by_value = self._postings.get(matcher.label, {})
        if test(""):
            # Series without this label fit: take away those whose value does not.
            wanted[
                _all(by_value, [matcher.value] if matcher.operator == "!=" else self._values(matcher, lambda value: not test(value)))
            ] = False
            return
        having = np.zeros_like(wanted)
        having[_all(by_value, [matcher.value] if matcher.operator == "=" else self._values(matcher, test))] = True
        wanted &= having

    def _values(self, matcher: Matcher, test: Meaning) -> list[str]:
        """The values of a label that pass. Remembered: rules and pages ask the same again and again, and only new values are tried then."""
        by_value = self._postings.get(matcher.label, {})
        tried, passed = self._tried.pop(matcher, (0, []))
        # New values stand at the end of a dict; where any was deleted, nothing is remembered.
        passed += filter(test, islice(by_value, tried, None))
        if len(self._tried) >= _MOST_REMEMBERED:
            del self._tried[next(iter(self._tried))]
        self._tried[matcher] = len(by_value), passed
        return passed

    def labels(self, number: int) -> Labels:
        """The labels of a series. Raises KeyError for a number that no series has."""
        found = self._labels[number] if 0 <= number < len(self._labels) else None
        if found is None:
            raise KeyError(number)
        return found

    def source(self, number: int) -> str:
        """Who brought the series first."""
        self.labels(number)
        return list(self._sources)[self._source_of[number]]

    def names(self) -> list[str]:
        """The names of all labels, sorted."""
        return sorted(name for name, by_value in self._postings.items() if by_value)

    def values(self, name: str) -> list[str]:
        """The values that a label has, sorted."""
        return sorted(self._postings.get(name, ()))

    def counts(self, name: str) -> dict[str, int]:
        """How many series have each value of a label."""
        return {value: len(numbers) for value, numbers in self._postings.get(name, {}).items()}

    def unsaved(self) -> list[tuple[int, str, str]]:
        """The series that no log has yet: number, labels as canonical text, source."""
        return [(number, *row) for number, row in self._unsaved.items()]

    def saved(self, numbers: Iterable[int]) -> None:
        """These are in the log now."""
        for number in numbers:
            self._unsaved.pop(number, None)

    def everything(self) -> list[tuple[int, str, str]]:
        """All series, as ``unsaved`` gives them."""
        names = list(self._sources)
        return [(number, text, names[self._source_of[number]]) for text, number in self._numbers.items()]

    def count_living(self, living: NDArray[np.bool_]) -> None:
        """Counts anew, per source, the series that have been seen of late: ``living`` has an entry for each number from 0 to ``end``."""
        counts = np.bincount(np.frombuffer(self._source_of, np.int32)[living & self._present()], minlength=len(self._sources))
        self._living = dict(zip(self._sources, counts.tolist(), strict=True))
        self.beyond = {}

    def problems(self) -> list[str]:
        """A sentence for each source that wants more series than it may have."""
        limits, are_all = self.limits, len(self) >= self.limits.series
        most = f"of all sources together ({limits.series:,})" if are_all else f"of one source ({limits.per_source:,})"
        return [
            f"samples of {source} are refused: the limit of series {most} is reached; leave out labels that take ever new values, or "
            f"raise samples.{'series' if are_all else 'series_per_source'}"
            for source, count in sorted(self.beyond.items())
            if count
        ]

    def forget(self, numbers: Iterable[int]) -> None:
        """Drops series. Their numbers are not given again while the index lives."""
        gone = {number for number in numbers if 0 <= number < self.end and self._labels[number] is not None}
        self._tried.clear()
        touched = {(name, value) for number in gone for name, value in self.labels(number).items()}
        for number in gone:
            del self._numbers[_canonical(self.labels(number))]
            self._labels[number] = None
            self._source_of[number] = -1
            self._unsaved.pop(number, None)
        for name, value in touched:
            left = array("i", (number for number in self._postings[name][value] if number not in gone))
            if left:
                self._postings[name][value] = left
            else:
                del self._postings[name][value]


def _without_empty(labels: Labels) -> Labels:
    return {name: value for name, value in labels.items() if value}


def _all(by_value: dict[str, "array[int]"], values: Iterable[str]) -> Ids:
    found = array("i")
    for value in values:
        if numbers := by_value.get(value):
            found += numbers
    return np.frombuffer(found, np.int32) if found else np.zeros(0, np.int32)
