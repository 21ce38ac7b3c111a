"""Where an import writes: into the store of this program, to a server, or nowhere."""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from keepwell.kernel.problems import Problem, StorageError
from keepwell.rooms.samples.admission import DUPLICATE, FUTURE, LABELS, LIMIT, OLD, UNFIT, Kept, labels_fault, timely
from keepwell.rooms.samples.model import Ids, Instants, Labels, Metric, Values

from .model import Batch, Taken

SOURCE = "import"
"""The source of series that are brought in."""

AT_ONCE = 25_000
"""Samples of one request: a body has at most a mebibyte."""

_SERIES_AT_ONCE = 500_000
"""Bytes of labels of one request, about."""

Positions = NDArray[np.int64]


class Store(Protocol):
    """What a sink needs of the store of samples."""

    def identify(self, source: str, labels: Sequence[Labels]) -> Ids:
        """The numbers of series; negative where one is refused."""
        ...

    def backfill(self, source: str, series: Ids, at: Instants, value: Values) -> Awaitable[Kept]:
        """Takes samples, resolves once they are committed."""
        ...

    async def describe(self, metrics: Mapping[str, Metric]) -> None:
        """Keeps what metrics are."""
        ...


Refuse = Callable[[Instants], Mapping[str, Positions]]
"""Which of these instants cannot be taken now, by reason."""


def by_time(at: Instants, now: int, raw: Any) -> dict[str, Positions]:
    """The positions of instants that are too late or too early, by reason; ``raw`` is how long raw samples are kept."""
    taken, counts = timely(at, now, raw)
    if not counts:
        return {}
    places = np.flatnonzero(~taken).astype(np.int64)
    late = at[places] > now
    return {reason: found for reason, found in ((FUTURE, places[late]), (OLD, places[~late])) if len(found)}


class StoreSink:
    """Writes into a store of this process."""

    def __init__(self, store: Store, refuse: Refuse) -> None:
        self._store, self._refuse = store, refuse
        self._numbers: Ids = np.zeros(0, np.int32)

    async def describe(self, metrics: Mapping[str, Metric]) -> None:
        """Keeps what metrics are."""
        await self._store.describe(metrics)

    async def take(self, named: Sequence[Labels], batch: Batch) -> Taken:
        """Stores a batch. Raises StorageError where the disk does not take it."""
        if len(named) > len(self._numbers):
            fresh = self._store.identify(SOURCE, named[len(self._numbers) :])
            self._numbers = np.concatenate([self._numbers, fresh.astype(np.int32, copy=False)])
        return await store_rows(self._store, self._numbers[batch.series], batch.at, batch.value, self._refuse)


async def store_rows(store: Store, series: Ids, at: Instants, value: Values, refuse: Refuse) -> Taken:
    """Stores samples of series that the store has numbered (negative: refused). Raises StorageError."""
    refused = dict(refuse(at))
    taken = np.ones(len(at), np.bool_)
    for places in refused.values():
        taken[places] = False
    for reason, wrong in ((LABELS, taken & (series <= UNFIT)), (LIMIT, taken & (series < 0) & (series > UNFIT))):
        if wrong.any():
            refused[reason] = np.flatnonzero(wrong).astype(np.int64)
            taken &= ~wrong
    if not taken.any():
        return Taken(0, refused)
    kept = await store.backfill(SOURCE, series[taken], at[taken], value[taken])
    known = kept.refused.get(DUPLICATE, 0)
    lost = int(np.count_nonzero(taken)) - kept.stored - known
    if lost:
        reasons = ", ".join(kept.refused) or "no reason was given"
        raise StorageError(Problem("samples.import", f"the store did not take {lost} samples ({reasons})", "bring the file again"))
    return Taken(kept.stored, refused, known)


class NoSink:
    """Writes nothing: says what would be refused. Whether there is room for the series is not known before they are brought."""

    def __init__(self, refuse: Callable[[Instants], Awaitable[Mapping[str, Positions]]]) -> None:
        self._refuse = refuse
        self._unfit: list[bool] = []

    async def describe(self, metrics: Mapping[str, Metric]) -> None:
        """Keeps nothing."""

    async def take(self, named: Sequence[Labels], batch: Batch) -> Taken:
        """Says what would become of a batch."""
        self._unfit += [bool(labels_fault(labels)) for labels in named[len(self._unfit) :]]
        refused = dict(await self._refuse(batch.at))
        taken = np.ones(len(batch), np.bool_)
        for places in refused.values():
            taken[places] = False
        wrong = taken & np.array(self._unfit, np.bool_)[batch.series]
        if wrong.any():
            refused[LABELS] = np.flatnonzero(wrong).astype(np.int64)
        return Taken(int(np.count_nonzero(taken & ~wrong)), refused)


Post = Callable[[str, Any], Awaitable[Any]]
"""Sends a JSON body to a path of the running server and gives its JSON answer. Raises KeepwellError."""

PATH = "/api/v1/samples/import"


class ServerSink:
    """Writes through the running server, some ten thousand samples a request."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._numbers: list[int] = []
        self._epoch = ""

    async def describe(self, metrics: Mapping[str, Metric]) -> None:
        """Keeps what metrics are."""
        told = {name: {"kind": one.kind, "help": one.help, "unit": one.unit} for name, one in metrics.items()}
        names = list(told)
        for first in range(0, len(names), 500):
            await self._post(f"{PATH}/metrics", {"metrics": {name: told[name] for name in names[first : first + 500]}})

    async def take(self, named: Sequence[Labels], batch: Batch) -> Taken:
        """Stores a batch. Raises KeepwellError where the server does not take it; what an earlier call stored stays."""
        await self._identify(named)
        numbers: Ids = np.array(self._numbers, np.int32)[batch.series]
        places = firsts(numbers, batch.at)  # requests that are under way together must not decide which sample was first
        pieces = [places[first : first + AT_ONCE] for first in range(0, len(places), AT_ONCE)]
        answers = await asyncio.gather(*(self._send(numbers[piece], batch.at[piece], batch.value[piece]) for piece in pieces))
        refused: dict[str, list[Positions]] = {}
        for piece, answer in zip(pieces, answers, strict=True):
            for reason, found in answer["refused"].items():
                refused.setdefault(reason, []).append(piece[found])
        known = sum(answer["known"] for answer in answers) + len(batch) - len(places)
        return Taken(
            sum(answer["stored"] for answer in answers), {reason: np.concatenate(found) for reason, found in refused.items()}, known
        )

    async def _send(self, series: Ids, at: Instants, value: Values) -> Any:
        columns = {"series": packed(series, "<i4"), "at": packed(at, "<i8"), "value": packed(value, "<f8")}
        return await self._post(f"{PATH}/rows", {"epoch": self._epoch, **columns})

    async def settle(self) -> int:
        """Has the server make files of the hours that are over; gives how many of the samples were there already."""
        while not (answer := await self._post(f"{PATH}/settle", None))["done"]:
            pass
        return int(answer["known"])

    async def refuse(self, at: Instants) -> Mapping[str, Positions]:
        """Which of these instants the server would not take."""
        refused: dict[str, list[int]] = {}
        for first in range(0, len(at), AT_ONCE):
            answer = await self._post(f"{PATH}/check", {"at": packed(at[first : first + AT_ONCE], "<i8")})
            for reason, places in answer["refused"].items():
                refused.setdefault(reason, []).extend(first + place for place in places)
        return {reason: np.array(places, np.int64) for reason, places in refused.items()}

    async def _identify(self, named: Sequence[Labels]) -> None:
        while len(self._numbers) < len(named):
            first, size = len(self._numbers), 0
            some: list[dict[str, str]] = []
            for labels in named[first : first + 5000]:
                size += sum(len(name) + len(value) for name, value in labels.items()) * 2 + 50
                if some and size > _SERIES_AT_ONCE:
                    break
                some.append(dict(labels))
            answer = await self._post(f"{PATH}/series", {"epoch": self._epoch, "series": some})
            self._epoch = answer["epoch"]
            self._numbers += answer["numbers"]


def firsts(series: Ids, at: Instants) -> Positions:
    """The positions, ascending, of the first sample of each (series, at)."""
    order = np.lexsort((at, series))
    new = np.ones(len(order), np.bool_)
    new[1:] = (series[order][1:] != series[order][:-1]) | (at[order][1:] != at[order][:-1])
    return np.sort(order[new]).astype(np.int64)


def packed(column: NDArray[Any], kind: str) -> str:
    """A column of numbers as base64 of little-endian bytes (RFC 4648, 4)."""
    return base64.b64encode(column.astype(kind).tobytes()).decode()


def unpacked(text: str, kind: str) -> NDArray[Any]:
    """The reverse of ``packed``. Raises ValueError."""
    return np.frombuffer(base64.b64decode(text, validate=True), kind)
