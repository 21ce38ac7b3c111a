"""``keepwell samples export`` and ``keepwell samples import``. Imports nothing costly."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from keepwell.ports.offer import Argument, Call, Subcommand

if TYPE_CHECKING:
    from .opened import Opened


@dataclass(frozen=True, slots=True)
class Server:
    """How the running server of a data directory is reached: whether there is one, a POST with its JSON answer, a GET as a stream."""

    runs: Callable[[str | None], bool]
    post: Callable[[str | None, str, Any], Awaitable[Any]]
    download: Callable[[str | None, str], AsyncIterator[bytes]]


Purpose = Literal["read", "write", "judge"]
"""What a store is opened for; to judge samples, its limits are enough."""

Open = Callable[[str | None, str | None, Purpose], "AbstractAsyncContextManager[Opened]"]
"""Opens the store of a data directory for this process alone, with what an operations directory says of it (else with what holds by
default). Raises StorageError where a server uses it."""

_DATA = Argument(("--data",), "the data directory (default: as keepwell up)", {"metavar": "DIR"})
_OPERATIONS = Argument(
    ("--operations",),
    "without a server: the operations directory whose section samples holds (default: that of keepwell up without one)",
    {"metavar": "DIR"},
)


def commands(server: Server, open_store: Open) -> tuple[Subcommand, ...]:
    """Both. They go through the running server; where none runs they use the data directory themselves."""

    async def export(call: Call) -> int:
        from .exported import run_export

        return await run_export(call, server, open_store)

    async def bring(call: Call) -> int:
        from .imported import run_import

        return await run_import(call, server, open_store)

    return (_export(export), _import(bring))


def _export(run: Callable[[Call], Awaitable[int]]) -> Subcommand:
    return Subcommand(
        "export",
        "write samples to a file: OpenMetrics, CSV or Parquet",
        run,
        (
            Argument(("match",), 'which series, as in Prometheus: name{label="value",other=~"regular.*"}', {"metavar": "SELECTOR"}),
            Argument(("--format",), "openmetrics, csv or parquet (default: as --output ends, else openmetrics)", {"metavar": "FORMAT"}),
            Argument(("--output", "-o"), "the file (default: standard output)", {"metavar": "FILE"}),
            Argument(("--over",), "so long until --end (default: 24h)", {"metavar": "DURATION"}),
            Argument(("--start",), "where it begins: RFC 3339, seconds since 1970, or --start=-24h", {"metavar": "INSTANT"}),
            Argument(("--end",), "where it ends, not contained (default: now)", {"metavar": "INSTANT"}),
            _DATA,
            _OPERATIONS,
        ),
        description="Writes raw samples, of any number in bounded memory. OpenMetrics has their types and texts and is what promtool tsdb "
        "create-blocks-from openmetrics takes; it cannot say staleness markers, which are left out. CSV and Parquet have a column for each "
        "label. Exit code 0 when the file is whole.",
        example="keepwell samples export '{service=\"shop\"}' --over 7d --output shop.csv",
    )


def _import(run: Callable[[Call], Awaitable[int]]) -> Subcommand:
    return Subcommand(
        "import",
        "bring samples with their instants from a file",
        run,
        (
            Argument(("file",), "the file, or - for standard input; it may be packed with gzip", {"metavar": "FILE"}),
            Argument(("--format",), "openmetrics, csv, or dump (of promtool tsdb dump); default: as the file looks", {"metavar": "FORMAT"}),
            Argument(("--label",), "a label for every series that has none of that name; may be repeated", _repeated("NAME=VALUE")),
            Argument(("--dry-run",), "bring nothing: say what would be taken", {"action": "store_true"}),
            Argument(("--rejects",), "write every line that is not taken to this file, with its reason", {"metavar": "FILE"}),
            Argument(("--time-column",), "foreign CSV: the column of RFC 3339, or seconds or milliseconds since 1970", {"metavar": "NAME"}),
            Argument(("--value-column",), "foreign CSV: the column with the value", {"metavar": "NAME"}),
            Argument(("--label-column",), "foreign CSV: a column that becomes a label; may be repeated", _repeated("NAME")),
            Argument(("--name",), "foreign CSV: the name of the metric", {"metavar": "METRIC"}),
            Argument(("--zone",), "foreign CSV: the zone of times without one, such as Europe/Berlin", {"metavar": "ZONE"}),
            Argument(("--delimiter",), "foreign CSV: what stands between fields (default: a comma)", {"metavar": "CHARACTER"}),
            _DATA,
            _OPERATIONS,
        ),
        description="Brings samples of the past: OpenMetrics as promtool tsdb create-blocks-from openmetrics takes it, an export's CSV, or "
        "other CSV with named columns. A sample is what its series and its instant are: one that is there stays, so that a file may "
        "be brought again, and an import that was interrupted goes on by running it again. Lines that cannot be read are passed over and "
        "told with their numbers. Exit code 0 when all is stored, 1 when some of it was not taken, 2 when it could not run.",
        example="keepwell samples import history.om --label site=north",
    )


def _repeated(name: str) -> Mapping[str, Any]:
    return {"metavar": name, "action": "append"}
