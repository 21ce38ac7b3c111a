"""Export and import as people use them: with and without a server, to and from Debian's Prometheus."""

import asyncio
import json
import math
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from keepwell.api.client import ServerClient
from keepwell.kernel.problems import UsageError
from keepwell.ports.fakes import FakeClock
from keepwell.ports.samples import NAME
from keepwell.rooms.samples.files.child import work
from keepwell.rooms.samples.files.reading import Files
from keepwell.rooms.samples.log import NAME as LOG
from keepwell.rooms.samples.model import Metric
from keepwell.rooms.samples.transfer.exporting import export
from keepwell.rooms.samples.transfer.model import Format
from keepwell.rooms.samples.transfer.opened import Opened
from keepwell.rooms.samples.transfer.sinks import StoreSink, packed
from keepwell.rooms.samples.work.store import SampleStore
from tests.prometheus_server import prometheus_over
from tests.samples_store import NOW, QUICK, ms
from tests.samples_transfer import EVERYTHING, bring, command, key, reader_of
from tests.serving import KEEPWELL, environment, operations, serving
from tests.support import need

ALL = '{__name__=~".+",__name__!~"check_.*|keepwell_.*|scrape_.*|up"}'
CONFIGURATION = "keepwell: 1\nservice: shop\n"
HOUR = 3600


def now() -> int:
    """The beginning of this hour, in seconds since 1970."""
    return int(time.time()) // HOUR * HOUR


def history(until: int, steps: int = 60, step: int = 60) -> str:
    """A backfill of several types, until an instant."""
    lines = [
        "# TYPE orders counter",
        "# HELP orders Orders, by \\n kind",
        "# TYPE temperature_celsius gauge",
        "# UNIT temperature_celsius celsius",
    ]
    for number in range(steps):
        at = until - (steps - number) * step
        lines += [f'orders_total{{kind="{kind}"}} {number * weight} {at}' for kind, weight in (("a", 1), ('\\"b\\"\\\\', 2))]
        lines += [f"temperature_celsius {20 + number / 7} {at}.25"]
    lines += [f"temperature_celsius {value} {until - 30 + place}" for place, value in enumerate(["NaN", "+Inf", "-Inf", "-0.0", "1e-300"])]
    return "\n".join([*lines, "# EOF", ""])


def run(*arguments: str, code: int = 0) -> str:
    """One command that is to end so; its output."""
    ended, out, err = command(*arguments)
    assert ended == code, out + err
    return out + err


def exported(data: Path, format: str, more: tuple[str, ...] = ("--over", "14d")) -> bytes:
    """The whole store as a file."""
    path = data.parent / f"exported.{format}"
    run("export", ALL, "--data", str(data), "--format", format, "--output", str(path), *more)
    return path.read_bytes()


def test_what_is_exported_comes_back_the_same_in_an_empty_store(tmp_path: Path) -> None:
    (tmp_path / "history.om").write_text(history(now() - HOUR))
    said = run("import", str(tmp_path / "history.om"), "--data", str(tmp_path / "one"))
    assert "185 samples stored, of 3 series, from 190 lines" in said
    assert "0 samples stored, 185 were there already" in run("import", str(tmp_path / "history.om"), "--data", str(tmp_path / "one"))
    for format in ("openmetrics", "csv"):
        first = exported(tmp_path / "one", format)
        (tmp_path / f"copy.{format}").write_bytes(first)
        run("import", str(tmp_path / f"copy.{format}"), "--data", str(tmp_path / format))
        assert exported(tmp_path / format, format) == first
    text = exported(tmp_path / "one", "openmetrics").decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert {name: (one.type, one.unit, len(one.samples)) for name, one in families.items()} == {
        "orders": ("counter", "", 120),
        "temperature_celsius": ("gauge", "celsius", 65),
    }
    assert families["orders"].documentation == "Orders, by \n kind"
    assert exported(tmp_path / "csv", "csv") == exported(tmp_path / "one", "csv")


LABELS = st.dictionaries(
    st.sampled_from(["a", "time", "le", "job"]),
    st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=8)
    | st.sampled_from(['"', "\\", "\n", "\r\n", ",", " # {", "} 1 2"]),
    max_size=3,
)
SAMPLES = st.lists(
    st.tuples(
        st.sampled_from(["up", "req_total", "with space", "lat_bucket"]),
        LABELS,
        st.integers(0, 7_199_999),
        st.floats() | st.sampled_from([math.nan, math.inf, -math.inf, -0.0]),
    ),
    max_size=12,
)


@settings(max_examples=12, deadline=None)
@given(samples=SAMPLES, format=st.sampled_from([Format.CSV, Format.OPENMETRICS]))
async def test_anything_comes_back_the_same_in_an_empty_store(
    samples: list[tuple[str, dict[str, str], int, float]], format: Format
) -> None:
    with tempfile.TemporaryDirectory() as place:
        async with store_at(Path(place) / "one") as one, store_at(Path(place) / "two") as two:
            named = [{**labels, NAME: name} for name, labels, _, _ in samples]
            at = np.array([ms() - 3 * HOUR * 1000 + offset for _, _, offset, _ in samples], np.int64)
            if samples:
                await one.store.add("test", named, at, np.array([value for _, _, _, value in samples]))
            await one.store.describe({"req_total": Metric("counter", "Text\n"), "lat": Metric("histogram")})
            await one.settle(lambda done, hours: None)
            first = await all_of(one, format)
            report = await bring(first, reader_of(format), StoreSink(two.store, two.refuse))
            assert report.is_clean, (report, first)
            assert report.stored == len({(key(labels), instant) for labels, instant in zip(named, at.tolist(), strict=True)})
            assert await two.settle(lambda done, hours: None) == 0
            assert await all_of(two, format) == first


@asynccontextmanager
async def store_at(folder: Path) -> AsyncIterator[Opened]:
    """An empty store, at an instant that stands still."""
    files = Files(folder)
    store = SampleStore(folder, FakeClock(NOW), QUICK, files)
    await store.begin()
    yield Opened(store, QUICK.keep, ms, work, folder / LOG, files)
    await store.end()


async def all_of(opened: Opened, format: Format) -> bytes:
    """Everything in a store as a file."""
    return b"".join([piece async for piece in export(opened.source, EVERYTHING, 0, ms(), format)])


def test_parquet_and_csv_have_a_column_for_each_label(tmp_path: Path) -> None:
    (tmp_path / "history.om").write_text(history(now() - HOUR, steps=2))
    run("import", str(tmp_path / "history.om"), "--data", str(tmp_path / "data"), "--label", "site=north")
    path = tmp_path / "all.parquet"
    run("export", "orders_total", "--over", "1d", "--data", str(tmp_path / "data"), "--output", str(path))
    table = pq.read_table(path)
    assert table.column_names == ["time", "metric", "value", "kind", "site"]
    assert [(row["metric"], row["kind"], row["site"], row["value"]) for row in table.to_pylist()] == [
        ("orders_total", '"b"\\', "north", 0.0),
        ("orders_total", '"b"\\', "north", 2.0),
        ("orders_total", "a", "north", 0.0),
        ("orders_total", "a", "north", 1.0),
    ]
    lines = run("export", "orders_total", "--over", "1d", "--data", str(tmp_path / "data"), "--format", "csv").splitlines()
    assert lines[0] == "time,metric,value,kind,site"
    assert lines[1].endswith('Z,orders_total,0.0,"""b""\\",north')


def test_through_a_running_server(tmp_path: Path) -> None:
    (tmp_path / "old.om").write_text(history(now() - 5 * HOUR))
    (tmp_path / "new.om").write_text(history(int(time.time()) - 5, steps=20, step=10))
    with serving(operations(tmp_path / "ops", CONFIGURATION), tmp_path / "data") as server:
        data = str(server.data)
        assert "would be taken" in run("import", str(tmp_path / "old.om"), "--data", data, "--dry-run")
        assert "185 samples stored" in run("import", str(tmp_path / "old.om"), "--data", data)
        assert "0 samples stored, 185 were there already" in run("import", str(tmp_path / "old.om"), "--data", data)
        assert "65 samples stored" in run("import", str(tmp_path / "new.om"), "--data", data)
        answer = json.loads(run("import", str(tmp_path / "new.om"), "--data", data, "--json"))
        assert (answer["stored"], answer["known"], answer["series"], answer["faults"]) == (0, 65, 3, [])
        from_server = exported(server.data, "csv")
        assert from_server.count(b"\r\n") == 1 + 185 + 65
        address = (
            f"http://127.0.0.1:{server.port}/api/v1/samples/export?{urllib.parse.urlencode({'match': ALL, 'over': '14d', 'format': 'csv'})}"
        )
        with urllib.request.urlopen(address, timeout=20) as reply:
            assert reply.headers["content-type"] == "text/csv; charset=utf-8; header=present"
            assert reply.read() == from_server
    assert exported(tmp_path / "data", "csv") == from_server


def test_bodies_that_no_import_sends_are_refused(tmp_path: Path) -> None:
    with serving(operations(tmp_path / "ops", CONFIGURATION), tmp_path / "data") as server:

        def post(path: str, body: Any) -> Any:
            return asyncio.run(ServerClient(server.data).post(f"/api/v1/samples/import/{path}", body))

        epoch = post("series", {"series": [{"__name__": "a"}]})["epoch"]
        column = {"series": packed(np.array([0]), "<i4"), "at": packed(np.array([ms()]), "<i8"), "value": packed(np.array([1.0]), "<f8")}
        for path, body, said in (
            ("series", [], "no JSON object"),
            ("series", {"series": [1]}, "no list of labels"),
            ("series", {"series": [{"a": 1}]}, "no list of labels"),
            ("metrics", {"metrics": {"a": 1}}, "no object of kind"),
            ("rows", {"epoch": "another", **column}, "started anew"),
            ("rows", {"epoch": epoch, **column, "at": "!"}, "no column of numbers"),
            ("rows", {"epoch": epoch, **column, "at": ""}, "not of one length"),
            ("check", {}, "no column of numbers"),
        ):
            with pytest.raises(UsageError, match=said):
                post(path, body)
        at = packed(np.array([int(time.time()) * 1000]), "<i8")
        assert post("rows", {"epoch": epoch, **column, "at": at}) == {"stored": 1, "known": 0, "refused": {}}
        assert post("rows", {"epoch": epoch, **column, "at": at}) == {"stored": 0, "known": 1, "refused": {}}
        unknown = {**column, "at": at, "series": packed(np.array([-1]), "<i4")}
        assert post("rows", {"epoch": epoch, **unknown}) == {"stored": 0, "known": 0, "refused": {"the limit of series is reached": [0]}}


def test_what_is_asked_for_wrongly_is_refused(tmp_path: Path) -> None:
    (tmp_path / "history.om").write_text(history(now() - HOUR, steps=2))
    file, data = str(tmp_path / "history.om"), ("--data", str(tmp_path / "data"))
    assert "there are no samples in" in run("export", "up", *data, code=2)
    assert "11 samples would be taken" in run("import", file, *data, "--dry-run")
    assert not (tmp_path / "data").exists()
    run("import", file, *data)
    for arguments, said in (
        (("import", str(tmp_path / "absent"), *data), "cannot be read: No such file"),
        (("import", file, *data, "--format", "xml"), "no format of an import"),
        (("import", file, *data, "--label", "a-b=c"), "is no label"),
        (("import", file, *data, "--value-column", "v"), "needs --time-column and --name too"),
        (("import", file, *data, "--time-column", "t", "--value-column", "v", "--name", "n", "--zone", "Mars"), "is no time zone"),
        (("import", file, *data, "--time-column", "t", "--value-column", "v", "--name", "n"), "the file has no column"),
        (("export", "orders_total[5m]", *data), "more than a selector"),
        (("export", "orders_total", *data, "--format", "xml"), "no format of an export"),
        (("export", "orders_total", *data, "--start", "tomorrow"), "is no instant"),
        (("export", "orders_total", *data, "--json"), "--output FILE"),
        (("export", "orders_total", *data, "--output", str(tmp_path / "no" / "folder")), "cannot be written"),
    ):
        assert said in run(*arguments, code=2)


def test_samples_out_of_time_are_told_with_their_lines_and_kept_in_the_rejects(tmp_path: Path) -> None:
    current = now()
    text = f"old 1 {current - 40 * 86400}\ngood 2 {current - HOUR}\nfuture 3 {current + 7 * HOUR}\nodd\n# EOF\n"
    (tmp_path / "some.om").write_text(text)
    arguments = ("import", str(tmp_path / "some.om"), "--data", str(tmp_path / "data"), "--rejects", str(tmp_path / "rejects"))
    for more in (("--dry-run",), ()):
        said = run(*arguments, *more, code=1)
        assert "1 not taken: older than raw samples are kept" in said
        assert "1 not taken: later than ten minutes from now" in said
        assert "line 1: older than raw samples are kept: old 1.0" in said
        assert "line 4: it" in said
        assert "1 lines passed over" in said
    rejects = (tmp_path / "rejects").read_text().splitlines()
    assert rejects[0].startswith("# line 4: it")
    assert rejects[2::2] == [
        "# line 3: later than ten minutes from now",
        "# line 1: older than raw samples are kept",
    ]
    assert rejects[1::2] == ["odd", f"future 3.0 {current + 7 * HOUR}.000", f"old 1.0 {current - 40 * 86400}.000"]
    (tmp_path / "ops").mkdir()
    (tmp_path / "ops" / "keepwell.yaml").write_text(CONFIGURATION + "samples: {keep: {raw: 60d, 5m: 90d, 1h: 2y}}\n")
    said = run(*arguments, "--operations", str(tmp_path / "ops"), code=1)
    assert "1 samples stored, 1 were there already" in said


def test_standard_input_gzip_and_a_foreign_csv(tmp_path: Path) -> None:
    import gzip

    at = now() - HOUR
    text = f"Zeit;Rechner;Last\n{at};eins;0.5\n{at + 60};eins;0.75\n{at};zwei;1\n"
    columns = ("--time-column", "Zeit", "--value-column", "Last", "--label-column", "Rechner", "--name", "load1", "--delimiter", ";")
    done = subprocess.run(
        [KEEPWELL, "samples", "import", "-", "--data", str(tmp_path / "data"), *columns],
        input=gzip.compress(text.encode()),
        capture_output=True,
        timeout=60,
        env=environment(),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"3 samples stored, of 2 series" in done.stdout
    lines = run("export", 'load1{Rechner="eins"}', "--over", "1d", "--data", str(tmp_path / "data"), "--format", "csv").splitlines()
    assert [line.split(",", 1)[1] for line in lines] == ["metric,value,Rechner", "load1,0.5,eins", "load1,0.75,eins"]


def test_the_folder_can_be_copied_while_the_server_runs_and_the_files_alone_are_enough(tmp_path: Path) -> None:
    (tmp_path / "history.om").write_text(history(now() - 2 * HOUR, steps=120))
    with serving(operations(tmp_path / "ops", CONFIGURATION), tmp_path / "data") as server:
        run("import", str(tmp_path / "history.om"), "--data", str(server.data))
        run("import", str(_of_now(tmp_path)), "--data", str(server.data))
        whole = exported(server.data, "csv")
        copy = tmp_path / "copy" / "samples"
        copy.mkdir(parents=True)
        with (
            closing(sqlite3.connect(server.data / "samples" / "samples.sqlite")) as log,
            closing(sqlite3.connect(copy / "samples.sqlite")) as its,
        ):
            log.backup(its)
        shutil.copytree(server.data / "samples", copy, dirs_exist_ok=True, ignore=lambda folder, names: [n for n in names if "sqlite" in n])
    assert whole.count(b"\r\n") == 1 + 365 + 3
    assert exported(tmp_path / "copy", "csv") == whole
    for path in copy.glob("samples.sqlite*"):
        path.unlink()
    rest = exported(tmp_path / "copy", "csv")
    assert rest == b"".join(line for line in whole.splitlines(keepends=True) if b",brought," not in line)


def _of_now(tmp_path: Path) -> Path:
    """Samples of this hour, or of one that has just ended: in no file yet."""
    at = int(time.time())
    (tmp_path / "now.om").write_text("".join(f"brought {number} {at - number}\n" for number in range(3)) + "# EOF\n")
    return tmp_path / "now.om"


# --- Debian's Prometheus ---


def asked(address: str, query: str, at: float) -> dict[tuple[tuple[str, str], ...], list[tuple[float, str]]]:
    """The raw samples that a range selector gives in Prometheus, by labels."""
    with urllib.request.urlopen(f"{address}/api/v1/query?{urllib.parse.urlencode({'query': query, 'time': at})}", timeout=20) as reply:
        found = json.load(reply)["data"]["result"]
    return {tuple(sorted(one["metric"].items())): [(at, str(float(value))) for at, value in one["values"]] for one in found}


def ours(text: bytes) -> dict[tuple[tuple[str, str], ...], list[tuple[float, str]]]:
    """The same of an export."""
    found: dict[tuple[tuple[str, str], ...], list[tuple[float, str]]] = {}
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            labels: Mapping[str, Any] = {**sample.labels, "__name__": sample.name}
            found.setdefault(tuple(sorted(labels.items())), []).append((float(sample.timestamp), str(float(sample.value))))
    return found


def test_promtool_makes_blocks_of_an_export_and_prometheus_answers_the_same(tmp_path: Path) -> None:
    promtool = need("promtool")
    until = now() - HOUR
    (tmp_path / "history.om").write_text(history(until, steps=300))
    run("import", str(tmp_path / "history.om"), "--data", str(tmp_path / "data"))
    text = exported(tmp_path / "data", "openmetrics")
    made = subprocess.run(
        [promtool, "tsdb", "create-blocks-from", "openmetrics", str(tmp_path / "exported.openmetrics"), str(tmp_path / "blocks")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    with prometheus_over(tmp_path / "blocks") as address:
        theirs = asked(address, ALL.replace('"up"', "up") + "[30d]", time.time())
    assert theirs == ours(text)
    assert sum(map(len, theirs.values())) == 905


def test_what_promtool_dumps_can_be_imported(tmp_path: Path) -> None:
    promtool = need("promtool")
    until = now() - HOUR
    (tmp_path / "history.om").write_text(history(until))
    made = [promtool, "tsdb", "create-blocks-from", "openmetrics", str(tmp_path / "history.om"), str(tmp_path / "blocks")]
    subprocess.run(made, capture_output=True, timeout=60, check=True)
    (tmp_path / "blocks" / "wal").mkdir()
    with (tmp_path / "dump").open("wb") as out:
        subprocess.run([promtool, "tsdb", "dump", str(tmp_path / "blocks")], stdout=out, timeout=60, check=True)
    assert "185 samples stored, of 3 series, from 185 lines" in run("import", str(tmp_path / "dump"), "--data", str(tmp_path / "one"))
    run("import", str(tmp_path / "history.om"), "--data", str(tmp_path / "two"))
    assert exported(tmp_path / "one", "csv") == exported(tmp_path / "two", "csv")


# --- size ---


def _peak(arguments: list[str]) -> int:
    """Bytes of memory that a command had at most."""
    program = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True); "
    program += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, timeout=300, env=environment(), check=False
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[-1]) * 1024


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    peaks = {}
    for samples in (1_500_000, 3_500_000):
        path, data = tmp_path / f"{samples}.om", tmp_path / f"data-{samples}"
        with path.open("w") as file:
            for step in range(samples // 500):
                at = now() - HOUR - samples // 500 * 10 + step * 10
                file.writelines(
                    f'requests_total{{service="shop",endpoint="/orders/{number}"}} {step * number} {at}\n' for number in range(500)
                )
            file.write("# EOF\n")
        into = _peak([KEEPWELL, "samples", "import", str(path), "--data", str(data)])
        out = _peak([KEEPWELL, "samples", "export", "requests_total", "--over", "14d", "--data", str(data), "-o", str(tmp_path / "out.om")])
        assert (tmp_path / "out.om").read_bytes().count(b"\n") == samples + 2
        peaks[samples] = (into, out)
        path.unlink()
    small, large = peaks[1_500_000], peaks[3_500_000]
    assert large[0] < small[0] + 60_000_000, peaks
    assert large[1] < small[1] + 60_000_000, peaks
    assert max(large) < 300_000_000, peaks
