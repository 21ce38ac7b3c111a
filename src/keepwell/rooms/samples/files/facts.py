"""What every file says about itself in its metadata, so that it outlives the index: tier, time, and the labels of its series."""

import base64
import json
from collections.abc import Collection, Mapping

import pyarrow as pa

from keepwell.rooms.samples.files.layout import File
from keepwell.rooms.samples.files.parquet import Opened
from keepwell.rooms.samples.model import Labels

_SERIES = "keepwell.series"
_NANS = "keepwell.nan"


def facts_of(file: File, labels: Mapping[int, Labels]) -> dict[str, str]:
    """``keepwell.tier``, ``keepwell.start`` and ``keepwell.end`` (milliseconds, the end not included), and ``keepwell.series``: the labels
    of each series as JSON, compressed with zstd, in base64 after its uncompressed length (metadata of Parquet is text)."""
    packed = json.dumps({str(number): dict(one) for number, one in labels.items()}, ensure_ascii=False, separators=(",", ":")).encode()
    squeezed = base64.b64encode(pa.Codec("zstd").compress(packed, asbytes=True)).decode()
    return {
        "keepwell.tier": file.tier.value,
        "keepwell.start": str(file.start),
        "keepwell.end": str(file.end),
        _SERIES: f"{len(packed)}:{squeezed}",
    }


def labels_in(opened: Opened) -> dict[int, Labels]:
    """The labels of the series that a file holds, by number."""
    length, _, squeezed = opened.facts[_SERIES].partition(":")
    packed = pa.Codec("zstd").decompress(base64.b64decode(squeezed), int(length), asbytes=True)
    return {int(number): labels for number, labels in json.loads(packed).items()}


def nans_said(nans: Collection[int]) -> dict[str, str]:
    """``keepwell.nan``: the series of which a roll-up left out a NaN that is no staleness marker."""
    return {_NANS: ",".join(map(str, sorted(nans)))}


def nans_in(opened: Opened) -> frozenset[int] | None:
    """The series of which a roll-up left out a NaN that is no staleness marker; None where the file, an older one, does not say."""
    said = opened.facts.get(_NANS)
    return None if said is None else frozenset(map(int, filter(None, said.split(","))))
