"""This hour beside the same hour a week ago."""

import numpy as np
import pytest

from keepwell.rooms.samples.questions.compare import FEWEST, compare
from keepwell.rooms.samples.questions.percentiles import of_values


def test_ratios_of_now_to_then() -> None:
    then, now = of_values(np.linspace(1, 2, 120)), of_values(np.linspace(2, 4, 90))
    found = compare(now, then)
    assert (found.mean, found.count, found.enough, found.why) == (pytest.approx(2.0), 0.75, True, "")
    assert found.p95 == pytest.approx(now.percentiles["p95"] / then.percentiles["p95"])


@pytest.mark.parametrize(
    ("now", "then", "why"),
    [
        (120, 0, "0 samples then"),
        (FEWEST - 1, 120, "29 samples now"),
        (FEWEST, FEWEST, ""),
        (200, 99, "not measured as the other"),
        (99, 200, "not measured as the other"),
    ],
)
def test_too_little_data_is_told(now: int, then: int, why: str) -> None:
    found = compare(of_values(np.ones(now)), of_values(np.ones(then)))
    assert found.enough is not bool(why)
    assert why in found.why


def test_nothing_then_and_zero_then_have_no_ratio() -> None:
    found = compare(of_values(np.ones(50)), of_values(np.zeros(50)))
    assert (found.mean, found.p95, found.count, found.enough) == (None, None, 1.0, True)
    assert compare(of_values(np.ones(50)), of_values(np.zeros(0))).count is None
