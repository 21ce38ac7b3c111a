"""Which tier answers: the coarsest that is exact, else one that approximates and says so."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepwell.rooms.samples.model import DAY, HOUR, Keep, Tier
from keepwell.rooms.samples.tiers import RAW_QUANTILES, Answered, Need, choose, lasts

NOW = 1000 * DAY
KEEP = Keep()
MINUTES = 60_000


@pytest.mark.parametrize(
    ("back", "length", "step", "need", "wanted"),
    [
        (1 * DAY, DAY, HOUR, Need.WHOLE, Answered(Tier.HOUR, HOUR, True)),
        (1 * DAY, DAY, 10 * MINUTES, Need.WHOLE, Answered(Tier.FIVE_MINUTES, 10 * MINUTES, True)),
        (1 * DAY, DAY, MINUTES, Need.WHOLE, Answered(Tier.RAW, MINUTES, True)),
        (1 * DAY, DAY, 7 * MINUTES, Need.WHOLE, Answered(Tier.RAW, 7 * MINUTES, True)),
        (20 * DAY, DAY, MINUTES, Need.WHOLE, Answered(Tier.FIVE_MINUTES, 5 * MINUTES, False, "older than 15 days: by 5 minutes")),
        (20 * DAY, DAY, 7 * MINUTES, Need.WHOLE, Answered(Tier.FIVE_MINUTES, 10 * MINUTES, False, "older than 15 days: by 5 minutes")),
        (100 * DAY, DAY, 5 * MINUTES, Need.WHOLE, Answered(Tier.HOUR, HOUR, False, "older than 90 days: by the hour")),
        (100 * DAY, DAY, 2 * HOUR, Need.WHOLE, Answered(Tier.HOUR, 2 * HOUR, True)),
        (HOUR, HOUR, 5 * MINUTES, Need.QUANTILE, Answered(Tier.RAW, 5 * MINUTES, True)),
        (7 * DAY, 7 * DAY, HOUR, Need.QUANTILE, Answered(Tier.HOUR, HOUR, False, "quantiles from bins, within 1 %")),
        (DAY, DAY, MINUTES, Need.QUANTILE, Answered(Tier.RAW, MINUTES, True)),
        (
            20 * DAY,
            HOUR,
            MINUTES,
            Need.QUANTILE,
            Answered(Tier.FIVE_MINUTES, 5 * MINUTES, False, "older than 15 days: by 5 minutes; quantiles from bins, within 1 %"),
        ),
        (10 * DAY, HOUR, HOUR, Need.SAMPLES, Answered(Tier.RAW, HOUR, True)),
        (20 * DAY, HOUR, HOUR, Need.SAMPLES, Answered(Tier.FIVE_MINUTES, HOUR, False, "older than 15 days: by 5 minutes")),
    ],
)
def test_the_tier_and_the_sentence(back: int, length: int, step: int, need: Need, wanted: Answered) -> None:
    assert choose(NOW - back, NOW - back + length, step, need, KEEP, NOW) == wanted


def test_older_than_everything_is_answered_with_what_there_is() -> None:
    found = choose(0, NOW, HOUR, Need.WHOLE, KEEP, NOW)
    assert (found.tier, found.why) == (Tier.HOUR, "nothing is kept from before 730 days ago")


@given(st.integers(0, 900 * DAY), st.integers(1, 900 * DAY), st.integers(1, 40 * DAY), st.sampled_from(Need))
def test_what_is_exact_is_kept_fine_enough_and_what_is_not_is_said(back: int, length: int, step: int, need: Need) -> None:
    start = NOW - back
    found = choose(start, start + length, step, need, KEEP, NOW)
    assert found.step >= step
    assert found.step % (found.tier.step or 1) == 0
    if found.exact and not found.why:
        assert found.step == step
        assert back <= lasts(found.tier, KEEP)
        assert found.tier is Tier.RAW or need is Need.WHOLE
    else:
        assert found.why
    if need is Need.QUANTILE and found.exact:
        assert found.tier is Tier.RAW
        assert length <= RAW_QUANTILES or step % Tier.FIVE_MINUTES.step


def test_retention_that_is_no_whole_number_of_days_is_said_in_hours() -> None:
    keep = Keep(timedelta(hours=36), timedelta(days=90), timedelta(days=730))
    assert choose(NOW - 3 * DAY, NOW, MINUTES, Need.WHOLE, keep, NOW).why == "older than 1d12h: by 5 minutes"
