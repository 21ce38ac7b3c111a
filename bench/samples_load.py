"""Samples as a service gives them, the same for every store: half constant, a quarter counters, a quarter noisy latencies.

The counters are requests of endpoints, one in four of them the failed ones, so that an error share can be asked.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

STEP = 10_000
"""Milliseconds between two samples of a series."""

ENDPOINTS = 25
SETTINGS, REQUESTS, LATENCY = "node_setting", "http_requests_total", "http_request_seconds"


def labels(count: int) -> list[dict[str, str]]:
    """The labels of so many series (a multiple of four), in the order of the columns of ``Load``."""
    half, quarter = count // 2, count // 4
    made = [{"__name__": SETTINGS, "instance": f"host-{number % 50}:9100", "setting": f"limit_{number}"} for number in range(half)]
    for number in range(quarter):
        status = "500" if number % 4 == 3 else "200"
        where = {"endpoint": f"/api/v1/part-{number // 4 % ENDPOINTS}", "instance": f"host-{number // 4 // ENDPOINTS}:8080"}
        made.append({"__name__": REQUESTS, "method": ("GET", "POST", "PUT", "GET")[number % 4], "status": status, **where})
    for number in range(quarter):
        where = {"endpoint": f"/api/v1/part-{number % ENDPOINTS}", "instance": f"host-{number // ENDPOINTS}:8080"}
        made.append({"__name__": LATENCY, **where})
    return made


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of samples: ``at`` the instants (milliseconds), ``values`` a row for each instant and a column for each series."""

    at: NDArray[np.int64]
    values: NDArray[np.float64]


class Load:
    """Samples of so many series, one chunk after the other; the same seed gives the same samples."""

    def __init__(self, count: int, seed: int = 1) -> None:
        self._random = np.random.default_rng(seed)
        self._half, self._quarter = count // 2, count // 4
        self._constant = self._random.integers(1, 100_000, self._half).astype(float)
        self._counted = self._random.integers(0, 10_000_000, self._quarter).astype(float)
        # A failed request is rare beside the others.
        self._rate = np.where(np.arange(self._quarter) % 4 == 3, 0.2, 20.0) * self._random.lognormal(0, 0.5, self._quarter)
        self._usual = self._random.lognormal(-3, 0.7, self._quarter)

    def chunk(self, start: int, steps: int) -> Chunk:
        """The next samples: ``steps`` instants from ``start`` on."""
        at = start + STEP * np.arange(steps, dtype=np.int64)
        gained = self._random.poisson(self._rate, (steps, self._quarter))
        counters = self._counted + np.cumsum(gained, axis=0)
        self._counted = counters[-1]
        noisy = np.round(self._usual * self._random.lognormal(0, 0.4, (steps, self._quarter)), 6)
        return Chunk(at, np.hstack([np.broadcast_to(self._constant, (steps, self._half)), counters, noisy]))


def write_requests(names: Sequence[dict[str, str]], chunk: Chunk, select: slice = slice(None)) -> Iterator[bytes]:
    """The chunk as bodies of Prometheus' remote write 1.0: protobuf in Snappy's block format, nothing compressed in it."""
    picked = range(len(names))[select]
    for begin in range(0, len(picked), 5_000):
        body = b"".join(_series(names[number], chunk.at, chunk.values[:, number]) for number in picked[begin : begin + 5_000])
        yield _varint(len(body)) + _literals(body)


def _series(its: dict[str, str], at: NDArray[np.int64], values: NDArray[np.float64]) -> bytes:
    encoded = b"".join(_field(1, _field(1, name.encode()) + _field(2, its[name].encode())) for name in sorted(its))
    # A sample is 18 bytes: tag, length, tag and float64, tag and a varint of six bytes (the milliseconds of these decades).
    rows = np.zeros(len(at), dtype=[("head", "u1", 3), ("value", "<f8"), ("tag", "u1"), ("at", "u1", 6)])
    rows["head"], rows["value"], rows["tag"] = (0x12, 16, 0x09), values, 0x10
    for place in range(6):
        rows["at"][:, place] = (at >> (7 * place)) & 0x7F | (0x80 if place < 5 else 0)
    return _field(1, encoded + rows.tobytes())


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


def _literals(body: bytes) -> bytes:
    """Snappy's format description, 2.1: an element that is a literal, its length in three bytes."""
    parts = (body[begin : begin + 2**20] for begin in range(0, len(body), 2**20))
    return b"".join(bytes([62 << 2]) + (len(part) - 1).to_bytes(3, "little") + part for part in parts)


def exposition(names: Sequence[dict[str, str]], values: NDArray[np.float64]) -> bytes:
    """One instant in Prometheus' text format, as an exporter shows it."""
    lines: list[str] = []
    for number, (its, value) in enumerate(zip(names, values.tolist(), strict=True)):
        name = its["__name__"]
        if number == 0 or names[number - 1]["__name__"] != name:
            lines.append(f"# TYPE {name} {'counter' if name == REQUESTS else 'gauge'}")
        pairs = ",".join(f'{label}="{text}"' for label, text in its.items() if label not in ("__name__", "instance"))
        lines.append(f'{name}{{{pairs},host="{its["instance"]}"}} {value!r}')
    return "\n".join([*lines, ""]).encode()
