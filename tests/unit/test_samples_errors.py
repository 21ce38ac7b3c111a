"""The share of what failed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepwell.rooms.samples.questions.errors import Share, doubts, shares, total

SERIES = st.lists(st.tuples(st.fixed_dictionaries({"endpoint": st.sampled_from("abc")}), st.floats(0, 1e9)), max_size=20)


@given(SERIES, SERIES)
def test_groups_are_sums_and_add_up_to_the_whole(
    failed: list[tuple[dict[str, str], float]], everything: list[tuple[dict[str, str], float]]
) -> None:
    groups = shares(failed, everything, ("endpoint",))
    for (endpoint,), share in groups.items():
        assert share.failed == pytest.approx(sum(value for labels, value in failed if labels["endpoint"] == endpoint))
        assert share.all == pytest.approx(sum(value for labels, value in everything if labels["endpoint"] == endpoint))
    whole = shares(failed, everything, ()).get((), Share(0, 0))
    assert (total(groups.values()).failed, total(groups.values()).all) == pytest.approx((whole.failed, whole.all))
    assert list(groups) == sorted(groups)


def test_a_group_of_which_nothing_failed_has_a_share_of_none() -> None:
    groups = shares([({"code": "500", "endpoint": "a"}, 3.0)], [({"endpoint": "a"}, 12.0), ({"endpoint": "b"}, 5.0)], ("endpoint",))
    assert {group: share.share for group, share in groups.items()} == {("a",): 0.25, ("b",): 0.0}
    assert total(groups.values()).share == pytest.approx(3 / 17)


def test_no_share_of_nothing() -> None:
    assert total(()).share is None
    assert shares([({}, 2.0)], [], ())[()].share is None
    assert shares([({}, float("nan"))], [({}, float("nan"))], ()) == {}


def test_counters_that_do_not_fit_each_other_are_told() -> None:
    assert doubts([Share(5, 4)]) != ""
    assert doubts([Share(4, 4), Share(0, 0)]) == ""
    assert doubts([Share(1, 0)]) != ""
