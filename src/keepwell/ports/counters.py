"""Counters: numbers that only grow, derived from what is read elsewhere, such as the lines of a log. Used by the log room later."""

from collections.abc import Mapping
from typing import Protocol


class Counters(Protocol):
    """Where a reader of logs adds up what it saw. The sums become samples at an interval, whatever the rate of the lines."""

    def declare(self, name: str, help: str = "") -> None:
        """Makes a counter known. Names follow Prometheus and end in ``_total`` ("Metric and label naming"). Twice is harmless.

        Raises ValueError for a name that no counter can have."""
        ...

    def add(self, name: str, labels: Mapping[str, str], amount: float = 1.0) -> None:
        """Adds to the counter of that name and these labels; never waits. To be called in the event loop's thread.

        What is negative or no finite number is not added. Where a counter already has as many sets of labels as it may, what another set
        adds goes to the set ``overflow="true"``: no line is lost from the sum. Both are said once among the store's problems.

        Raises KeyError for a counter that was not declared and ValueError for a label's name that Prometheus does not allow."""
        ...
