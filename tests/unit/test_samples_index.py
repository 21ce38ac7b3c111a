"""Series by their labels: numbers that stay, selections as a plain loop would make them, limits that hold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepwell.ports.samples import NAME, Matcher
from keepwell.rooms.samples.admission import LIMITED, UNFIT, Limits
from keepwell.rooms.samples.index import SeriesIndex, canonical
from keepwell.rooms.samples.matching import fits


def filled(*labels: dict[str, str]) -> SeriesIndex:
    index = SeriesIndex()
    for each in labels:
        index.identify("test", {NAME: "m"} | each)
    return index


def test_the_same_labels_are_the_same_series_in_whatever_order() -> None:
    index = SeriesIndex()
    first = index.identify("a", {NAME: "m", "x": "1", "y": "2"})
    assert index.identify("b", {"y": "2", "x": "1", NAME: "m", "empty": ""}) == first == 0
    assert index.of({"x": "1", "y": "2", NAME: "m", "empty": ""}) == 0
    assert index.of({"x": "1", NAME: "m"}) is None
    assert index.source(0) == "a"
    assert index.labels(0) == {NAME: "m", "x": "1", "y": "2"}
    with pytest.raises(KeyError):
        index.labels(1)
    with pytest.raises(KeyError):
        index.labels(-1)


def test_texts_that_look_like_one_another_are_told_apart() -> None:
    tricky = [{"a": "1,b=2"}, {"a": "1", "b": "2"}, {"a": '1","b":"2'}, {"a": "1\x00b\x002"}, {"a": "é"}, {"a": "e\u0301"}]
    index = filled(*tricky)
    assert len(index) == len(tricky)
    assert len({canonical(each) for each in tricky}) == len(tricky)


VALUES = st.sampled_from(["", "a", "b", "ab", "ba", "a\nb"])
SERIES = st.lists(st.dictionaries(st.sampled_from(["x", "y", "z"]), VALUES, max_size=3), max_size=12)
MATCHERS = st.lists(
    st.builds(
        Matcher,
        st.sampled_from(["x", "y", "z", NAME, "absent"]),
        st.sampled_from(["=", "!=", "=~", "!~"]),
        st.sampled_from(["", "a", "b", "a|b", ".*", ".+", "a.b", "m"]),
    ),
    max_size=3,
)


@given(SERIES, MATCHERS)
def test_find_is_what_a_plain_loop_finds(series: list[dict[str, str]], matchers: list[Matcher]) -> None:
    index = filled(*series)
    expected = [number for number in range(index.end) if fits(index.labels(number), matchers)]
    found = index.find(matchers)
    assert found.tolist() == expected
    assert found.dtype == np.int32


@given(st.lists(st.tuples(SERIES, MATCHERS, st.sets(st.integers(0, 9), max_size=2)), max_size=4))
def test_what_is_remembered_of_patterns_grows_with_the_series(steps: list[tuple[list[dict[str, str]], list[Matcher], set[int]]]) -> None:
    index, asked = SeriesIndex(), list[list[Matcher]]()
    for series, matchers, gone in steps:
        for each in series:
            index.identify("test", {NAME: "m"} | each)
        index.forget(gone)
        asked.append(matchers)
        for again in asked:
            present = np.flatnonzero(index.has(np.arange(index.end, dtype=np.int32))).tolist()
            assert index.find(again).tolist() == [number for number in present if fits(index.labels(number), again)]


@given(SERIES, MATCHERS, st.sets(st.integers(0, 12)))
def test_what_is_forgotten_is_not_found_and_its_number_not_given_again(
    series: list[dict[str, str]], matchers: list[Matcher], gone: set[int]
) -> None:
    index = filled(*series)
    end = index.end
    labels = {number: index.labels(number) for number in range(end)}
    index.forget(gone)
    left = [number for number in range(end) if number not in gone and fits(labels[number], matchers)]
    assert index.find(matchers).tolist() == left
    assert index.has(np.arange(-2, end + 2, dtype=np.int32)).tolist() == [0 <= n < end and n not in gone for n in range(-2, end + 2)]
    back = index.identify("test", {NAME: "brand new"})
    assert back == end
    for number in gone & labels.keys():
        assert index.identify("test", labels[number]) > end


def test_names_and_values() -> None:
    index = filled({"x": "b"}, {"x": "a", "y": "c"})
    assert index.names() == [NAME, "x", "y"]
    assert index.values("x") == ["a", "b"]
    assert index.values("none") == []
    index.forget([1])
    assert index.names() == [NAME, "x"]


def test_the_limit_of_a_source_and_of_all() -> None:
    index = SeriesIndex(Limits(series=5, per_source=3))
    taken = [index.identify("loud", {NAME: "m", "i": str(number)}) for number in range(10)]
    assert taken == [0, 1, 2] + 7 * [LIMITED]
    assert index.identify("loud", {NAME: "m", "i": "1"}) == 1, "what is there already goes on"
    assert [index.identify("quiet", {NAME: "q", "i": str(number)}) for number in range(3)] == [3, 4, LIMITED]
    assert len(index) == 5
    problems = index.problems()
    assert len(problems) == 2, "one sentence for each source"
    assert all("limit of series" in problem for problem in problems)


def test_series_that_ended_make_room_for_their_source() -> None:
    index = SeriesIndex(Limits(series=100, per_source=3))
    for number in range(4):
        index.identify("pods", {NAME: "m", "pod": str(number)})
    assert index.beyond == {"pods": 1}
    index.count_living(np.array([False, False, True]))
    assert index.problems() == []
    assert [index.identify("pods", {NAME: "m", "pod": f"new{number}"}) for number in range(3)] == [3, 4, LIMITED]


@pytest.mark.parametrize(
    "labels",
    [
        {},
        {"x": "1"},
        {NAME: ""},
        {NAME: "m"} | {f"l{number}": "x" for number in range(10_000)},
        {NAME: "m", "x": "y" * 1_000_000},
        {NAME: "m", "n" * 1025: "x"},
        {NAME: "m", "x": "é" * 2049},
        {NAME: "m", "x": "\udcff"},
        {NAME: "m", "": "x"},
    ],
    ids=["none", "no name", "empty name", "10000 labels", "1 MB", "long name", "long in bytes", "no UTF-8", "empty label"],
)
def test_labels_that_cannot_be_kept(labels: dict[str, str]) -> None:
    index = SeriesIndex()
    assert index.identify("a", labels) == UNFIT
    assert len(index) == 0
    assert index.unsaved() == []


def test_the_largest_labels_that_can_be_kept() -> None:
    index = SeriesIndex()
    assert index.identify("a", {NAME: "m"} | {f"l{number}": "x" for number in range(63)}) == 0
    assert index.identify("a", {NAME: "m", "n" * 1024: "v" * 4096}) == 1


def test_what_the_log_has_comes_back_with_its_numbers() -> None:
    index = filled({"x": "a"}, {"x": "b"}, {"x": "c"})
    index.forget([1])
    again = SeriesIndex(Limits(series=1, per_source=1))
    for number, _, source in index.everything():
        again.add(number, index.labels(number), source)
    assert again.find([]).tolist() == [0, 2]
    assert again.unsaved() == []
    assert again.identify("test", {NAME: "m", "x": "d"}) == LIMITED
    again.restore(7, {NAME: "m", "x": "z"}, "files")
    assert [number for number, _, _ in again.unsaved()] == [7]
    assert again.end == 8
    again.saved([7])
    assert again.unsaved() == []
