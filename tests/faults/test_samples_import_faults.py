"""Imports of files that are broken, hostile or cut, and imports that are killed: what can be taken is taken once, and all of it is told."""

import gzip
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.samples_transfer import command
from tests.serving import KEEPWELL, environment, operations, serving
from tests.support import wait_until

ROOT = Path(__file__).resolve().parents[2]
HOUR = 3600
EVERYTHING = '{__name__=~"a|b|total"}'


def base() -> int:
    """Three hours before this one, in seconds since 1970."""
    return int(time.time()) // HOUR * HOUR - 3 * HOUR


def bring(tmp_path: Path, content: bytes, *more: str, name: str = "file.om") -> tuple[int, dict, str]:
    """Imports bytes: exit code, the answer, and what was said beside it."""
    (tmp_path / name).write_bytes(content)
    code, out, err = command("import", str(tmp_path / name), "--data", str(tmp_path / "data"), "--json", *more)
    assert "Traceback" not in err
    return code, json.loads(out) if out else {}, err


def stored(data: Path) -> list[str]:
    """The CSV of everything."""
    code, out, err = command("export", EVERYTHING, "--over", "14d", "--format", "csv", "--data", str(data))
    assert code == 0, err
    return out.splitlines()[1:]


def lines(count: int, first: int = 0) -> bytes:
    """Samples of one series, a second apart."""
    return b"".join(b"a %d %d\n" % (number, base() + number) for number in range(first, first + count))


def test_a_file_that_is_cut_is_taken_up_to_there_and_told(tmp_path: Path) -> None:
    code, answer, _ = bring(tmp_path, (lines(100) + b"# EOF\n")[:-100])
    assert code == 1
    assert answer["faults"] == ["it does not end with # EOF: it broke off, or is not OpenMetrics"]
    assert answer["stored"] + answer["passed_over"] == len((lines(100) + b"# EOF\n")[:-100].splitlines())
    code, answer, _ = bring(tmp_path, lines(100) + b"# EOF\n")
    assert (code, answer["faults"], answer["stored"] + answer["known"]) == (0, [], 100)
    assert len(stored(tmp_path / "data")) == 100


def test_bytes_that_are_no_utf_8_cost_their_lines(tmp_path: Path) -> None:
    bad = b'b{x="\xff\xfe"} 1 %d\nb{x="\xc3"} 1 %d\n' % (base(), base())
    code, answer, _ = bring(tmp_path, lines(5) + bad + lines(5, 5) + b"# EOF\n")
    assert (code, answer["stored"], answer["passed_over"]) == (1, 10, 2)
    assert [one["line"] for one in answer["complaints"]] == [6, 7]
    assert all("is no UTF-8" in one["reason"] for one in answer["complaints"])
    assert "\\xff" in answer["complaints"][0]["text"]


def test_line_ends_may_be_mixed(tmp_path: Path) -> None:
    text = b"a 1 %d\r\na 2 %d\na 3 %d\r\n\r\n# EOF\r\n" % (base(), base() + 1, base() + 2)
    code, answer, _ = bring(tmp_path, text)
    assert (code, answer["stored"]) == (0, 3)
    table = b"time,metric,value,x\n%d,b,1,y\r\n%d,b,2,y\n%d,b,3,y" % (base(), base() + 1, base() + 2)
    code, answer, _ = bring(tmp_path, table, name="file.csv")
    assert (code, answer["stored"], answer["faults"]) == (1, 3, ["its last line has no end: it may have broken off"])
    assert len(stored(tmp_path / "data")) == 6


@pytest.mark.parametrize("size", [300_000, 1_000_000, 5_000_000])
def test_a_monstrous_line_is_passed_over(tmp_path: Path, size: int) -> None:
    monster = b'b{x="' + b"y" * size + b'"} 1 %d\n' % base()
    code, answer, _ = bring(tmp_path, lines(3) + monster + lines(3, 3) + monster + b"# EOF\n")
    assert (code, answer["stored"], answer["passed_over"]) == (1, 6, 2)
    assert [(one["line"], one["reason"]) for one in answer["complaints"]] == [
        (4, "it is longer than 262144 bytes"),
        (8, "it is longer than 262144 bytes"),
    ]


def test_labels_that_cannot_be_kept_are_told(tmp_path: Path) -> None:
    many = b"b{" + b",".join(b'l%d="x"' % number for number in range(200)) + b"} 1 %d\n" % base()
    long = b'b{x="' + b"y" * 10_000 + b'"} 1 %d\n' % base()
    code, answer, _ = bring(tmp_path, lines(1) + many + long + b"# EOF\n")
    assert (code, answer["stored"], answer["refused"]) == (1, 1, {"labels that are too many, too long or malformed": 2})
    assert [one["line"] for one in answer["complaints"]] == [2, 3]


def test_a_limit_of_series_is_told(tmp_path: Path) -> None:
    folder = operations(tmp_path / "ops", "keepwell: 1\nservice: shop\nsamples: {series: 1000, series_per_source: 100}\n")
    text = b"".join(b'b{n="%d"} 1 %d\n' % (number, base()) for number in range(150))
    code, answer, _ = bring(tmp_path, text + b"# EOF\n", "--operations", str(folder))
    assert (code, answer["stored"], answer["refused"]) == (1, 100, {"the limit of series is reached": 50})
    assert answer["complaints"][0]["line"] == 101


def test_gzip_is_undone_and_a_cut_or_altered_one_is_told(tmp_path: Path) -> None:
    packed = gzip.compress(lines(9_000) + b"# EOF\n")
    code, answer, _ = bring(tmp_path, packed[: len(packed) // 2])
    assert code == 1
    assert "it ends in the middle of its gzip data" in answer["faults"][0]
    assert 0 <= answer["stored"] < 9_000
    altered = bytearray(packed)
    altered[-6] ^= 0xFF
    code, answer, _ = bring(tmp_path, bytes(altered))
    assert code == 1
    assert "its gzip data is damaged" in answer["faults"][0]
    code, answer, _ = bring(tmp_path, packed)
    assert (code, answer["stored"] + answer["known"]) == (0, 9_000)


@pytest.mark.slow
def test_a_gzip_bomb_takes_no_memory(tmp_path: Path) -> None:
    bomb = gzip.compress(b"a" * 400_000_000, 9)
    (tmp_path / "bomb").write_bytes(lines(1) + b"")
    (tmp_path / "bomb").write_bytes(gzip.compress(lines(1)) + bomb + gzip.compress(b"\n" + lines(1, 1) + b"# EOF\n"))

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (400_000_000, 400_000_000))

    argv = [KEEPWELL, "samples", "import", str(tmp_path / "bomb"), "--data", str(tmp_path / "data"), "--json"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, env=environment(), preexec_fn=limited, check=False)
    assert done.returncode == 1, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["stored"], answer["passed_over"], answer["lines"]) == (2, 1, 4)


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (b"PAR1", "is a Parquet file"),
        (b"\x28\xb5\x2f\xfd", "is packed with zstd"),
        (b"\xfd7zXZ\x00", "is packed with xz"),
        (b"BZh9", "is packed with bzip2"),
        (b"PK\x03\x04", "is a zip archive"),
        (b"\xff\xfea\x00", "is written in UTF-16"),
    ],
)
def test_what_is_not_taken_is_named(tmp_path: Path, start: bytes, said: str) -> None:
    (tmp_path / "file").write_bytes(start + bytes(100))
    code, _, err = command("import", str(tmp_path / "file"), "--data", str(tmp_path / "data"))
    assert code == 2
    assert said in err


def _history(tmp_path: Path, hours: int = 4, steps: int = 240) -> Path:
    """A counter and a gauge over some hours."""
    start = int(time.time()) // HOUR * HOUR - (hours + 1) * HOUR
    instants = [start + step * hours * HOUR / steps for step in range(steps)]
    text = b"".join(b'total{n="%d"} %d %.3f\n' % (number, step * number, at) for step, at in enumerate(instants) for number in range(10))
    (tmp_path / "history.om").write_bytes(text + b"# EOF\n")
    return tmp_path / "history.om"


@pytest.mark.parametrize("points", [(7, 33), pytest.param((0, 2, 5, 9, 14, 23, 31, 44, 61), marks=pytest.mark.slow)])
def test_an_import_that_is_killed_at_a_write_loses_and_doubles_nothing(tmp_path: Path, points: tuple[int, ...]) -> None:
    file = _history(tmp_path)
    assert command("import", str(file), "--data", str(tmp_path / "clean"))[0] == 0
    folder, ends = tmp_path / "killed" / "samples", []
    for point in (*points, 10_000):
        argv = [sys.executable, "-m", "tests.faults.samples_import_killed", str(folder), str(file), str(point)]
        ends.append(subprocess.run(argv, cwd=ROOT, timeout=120, env=environment(), check=False).returncode)
    assert ends[-1] == 0
    assert -9 in ends[: len(points)]
    assert set(ends) <= {0, -9}
    assert stored(tmp_path / "killed") == stored(tmp_path / "clean")
    assert len(stored(tmp_path / "clean")) == 2400


def test_a_server_that_dies_in_the_middle_keeps_what_it_said_and_the_rest_comes_again(tmp_path: Path) -> None:
    file = _history(tmp_path, steps=6_000)
    assert command("import", str(file), "--data", str(tmp_path / "clean"))[0] == 0
    directory = operations(tmp_path / "ops", "keepwell: 1\nservice: shop\n")
    argv = [KEEPWELL, "samples", "import", str(file), "--data", str(tmp_path / "data")]
    with serving(directory, tmp_path / "data") as server:
        bringing = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())
        log = tmp_path / "data" / "samples" / "samples.sqlite-wal"
        wait_until(lambda: bringing.poll() is not None or (log.exists() and log.stat().st_size > 300_000), 60, "the first samples")
        server.kill()
        _, said = bringing.communicate(timeout=60)
    assert bringing.returncode == 2
    assert "stored up to line" in said
    with serving(directory, tmp_path / "data"):
        code, out, err = command("import", str(file), "--data", str(tmp_path / "data"), "--json")
        assert code == 0, err
        answer = json.loads(out)
        assert answer["stored"] + answer["known"] == 60_000
    assert stored(tmp_path / "data") == stored(tmp_path / "clean")


def test_a_full_disk_is_told_and_the_import_goes_on_later(tmp_path: Path) -> None:
    file = _history(tmp_path, steps=24_000)

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, 1_500_000))

    argv = [KEEPWELL, "samples", "import", str(file), "--data", str(tmp_path / "data")]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, env=environment(), preexec_fn=limited, check=False)
    assert done.returncode == 2, done.stdout
    assert "stored up to line" in done.stderr
    assert "Traceback" not in done.stderr
    code, out, err = command("import", str(file), "--data", str(tmp_path / "data"), "--json")
    assert code == 0, err
    answer = json.loads(out)
    assert answer["stored"] + answer["known"] == 240_000
    assert len(stored(tmp_path / "data")) == 240_000


def test_an_export_that_does_not_fit_leaves_no_half_file(tmp_path: Path) -> None:
    assert command("import", str(_history(tmp_path)), "--data", str(tmp_path / "data"))[0] == 0

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    argv = [KEEPWELL, "samples", "export", "total", "--over", "14d", "--data", str(tmp_path / "data"), "-o", str(tmp_path / "out.om")]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, env=environment(), preexec_fn=limited, check=False)
    assert done.returncode == 2
    assert not list(tmp_path.glob("out.om*"))
