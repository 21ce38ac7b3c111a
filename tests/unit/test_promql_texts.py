"""Numbers and times as the JSON of Prometheus' API has them."""

import json
import math
import struct

import numpy as np
import pytest

from keepwell.rooms.promql.api import texts
from keepwell.rooms.promql.model import InstantVector, Matrix, Point, Result, Scalar, Series


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (-2.5, "-2.5"),
        (0.1 + 0.2, "0.30000000000000004"),
        (1e-5, "0.00001"),
        (1e-6, "0.000001"),
        (9.9e-7, "9.9e-07"),
        (5e-324, "5e-324"),
        (1e15, "1000000000000000"),
        (1.5e16, "15000000000000000"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (-1.7976931348623157e308, "-1.7976931348623157e+308"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (math.nan, "NaN"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    assert texts.number(value) == text
    assert texts.numbers([value, 1.0, value]) == [text, "1", text]


def test_many_numbers_are_written_as_each_of_them() -> None:
    random = np.random.default_rng(7)
    any_bits = [struct.unpack("d", random.bytes(8))[0] for _ in range(2_000)]
    plain = [*random.normal(0, 1e3, 500).tolist(), *map(float, range(-50, 500)), 1.05, 10.0, 100.05, 0.0]
    for values in (any_bits, plain, [], [3.0], [-0.0]):
        assert texts.numbers(values) == [texts.number(value) for value in values]
        assert [struct.pack("d", float(text)) for text in texts.numbers(values) if text != "NaN"] == [
            struct.pack("d", value) for value in values if not math.isnan(value)
        ]


@pytest.mark.parametrize(
    ("at", "text"), [(0, "0"), (1_435_781_451_781, "1435781451.781"), (1_500, "1.500"), (7, "0.007"), (-1_500, "-1.500"), (-1, "-0.001")]
)
def test_times(at: int, text: str) -> None:
    assert texts.seconds(at) == text
    assert json.loads(text) == at / 1000


def test_a_matrix_of_series_with_moments_of_their_own() -> None:
    series = [
        Series({"z": "%s \\", "a": '"'}, np.array([0, 500]), np.array([1.0, math.nan])),
        Series({}, np.array([500]), np.array([2.5])),
        *[Series({"i": str(one)}, np.array([one]), np.array([float(one)])) for one in range(200)],
    ]
    found = json.loads(b"".join(texts.result(Result(Matrix(series), ("w",), ("i",)))))
    assert (found["warnings"], found["infos"]) == (["w"], ["i"])
    assert found["data"]["result"][:2] == [
        {"metric": {"a": '"', "z": "%s \\"}, "values": [[0, "1"], [0.5, "NaN"]]},
        {"metric": {}, "values": [[0.5, "2.5"]]},
    ]
    assert [one["values"] for one in found["data"]["result"][2:]] == [[[one / 1000, str(one)]] for one in range(200)]


def test_what_is_no_text_is_marked() -> None:
    body = b"".join(texts.result(Result(InstantVector(0, [Point({"a": "\udcffü\ud800"}, 1.0)]))))
    assert json.loads(body)["data"]["result"][0]["metric"] == {"a": "\ufffdü\ufffd"}


def test_a_scalar_never_has_an_exponent() -> None:
    body = b"".join(texts.result(Result(Scalar(1_000, 1e22))))
    assert json.loads(body)["data"] == {"resultType": "scalar", "result": [1, "10000000000000000000000"]}
