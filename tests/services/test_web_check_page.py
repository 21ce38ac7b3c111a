"""The pages of one check and of samples as they are served: what they say, that foreign text stays text, and that they stay small."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

import keepwell.web
from keepwell.kernel.states import State
from keepwell.ports.samples import NAME
from keepwell.rooms.samples.views_page import METRICS, About, TierFigures
from lab.day import Series
from tests.services.samples_face import SamplesFace, change_of, http_check
from tests.services.test_web_pages import HOSTILE, Reader
from tests.services.web_face import Reply, request, send

VENDOR = Path(keepwell.web.__file__).parent / "vendor"
UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


async def got(face: SamplesFace, path: str) -> tuple[Reply, Reader]:
    reply = await send(face, request("GET", path, face, accept="text/html"))  # type: ignore[arg-type]
    return reply, Reader(reply.body.decode())


def one_series(labels: dict[str, str], count: int = 20) -> Series:
    end = datetime.now(UTC).timestamp()
    at = np.arange(end - 15 * count, end - 1, 15.0)
    return Series(labels, at, np.linspace(1, 2, len(at)))


def links(read: Reader) -> list[str]:
    return [str(attributes["href"]) for tag, attributes in read.tags if tag == "a"]


async def test_it_says_where_a_check_stands_and_how_it_looks(tmp_path: Path) -> None:
    shown = http_check("health", url="http://probe:hunter2@127.0.0.1:3001", state=State.FAIL, sentence="answered 503, expected 200")
    async with SamplesFace(tmp_path, [shown]) as face:
        face.checks.changes = [change_of("health", 1, State.FAIL, "refused")]
        reply, read = await got(face, "/checks/health")
    assert reply.status == 200
    for text in (
        "answered 503, expected 200",
        "15s, at most 10 s a look",
        "tonehoused",
        "above 100 ms",
        "above 500 ms",
        "refused",
        "265 B",
    ):
        assert text in read.text, text
    assert "hunter2" not in reply.body.decode()
    assert "http://" in read.text
    figures = [attributes for tag, attributes in read.tags if tag == "figure"]
    assert [one.get("data-unit") for one in figures] == [None, "seconds", "bytes", "number"]
    assert json.loads(figures[1]["data-lines"] or "") == [
        {"state": "warn", "bound": 0.1, "text": "> 100ms"},
        {"state": "fail", "bound": 0.5, "text": "> 500ms"},
    ]
    assert json.loads(figures[1]["data-names"] or "") == ["dns_seconds", "duration_seconds"]


async def test_a_check_that_measures_nothing_any_more_still_has_its_charts(tmp_path: Path) -> None:
    names = ("check_state", "duration_seconds", "dns_seconds", "json_status_queue")
    series = [one_series({NAME: name, "check": "health"}) for name in names]
    series.append(one_series({NAME: "other_seconds", "check": "other"}))
    refused = http_check("health", state=State.FAIL, values={}, sentence="connection refused")
    async with SamplesFace(tmp_path, [refused], series) as face:
        _, read = await got(face, "/checks/health")
    drawn = [
        json.loads(attributes["data-names"] or "[]") for tag, attributes in read.tags if tag == "figure" and "data-names" in attributes
    ]
    assert drawn == [["dns_seconds", "duration_seconds"], ["json_status_queue"]]
    assert "Percentiles" in read.text, "its phases have been measured"


async def test_the_list_leads_to_it_and_the_navigation_stays_as_it_was(tmp_path: Path) -> None:
    async with SamplesFace(tmp_path, [http_check("health")]) as face:
        _, listed = await got(face, "/")
        _, read = await got(face, "/checks/health")
    assert "/checks/health" in links(listed)
    assert [attributes for tag, attributes in read.tags if attributes.get("aria-current") == "page"] == [
        {"href": "/", "aria-current": "page"}
    ]
    assert "Samples" in read.text
    assert not any("{" in link for link in links(read))


async def test_without_scripts_the_numbers_are_a_link_away(tmp_path: Path) -> None:
    series = [one_series({NAME: "dns_seconds", "check": "health"})]
    async with SamplesFace(tmp_path, [http_check("health")], series) as face:
        _, read = await got(face, "/checks/health?over=1h")
        asked = [link for link in links(read) if link.startswith("/api/v1/samples/")]
        numbers = next(link for link in asked if "dns_seconds" in link)
        reply, _ = await got(face, numbers)
    assert parse_qs(urlsplit(numbers).query)["start"] == ["-1h"]
    assert [one["labels"][NAME] for one in json.loads(reply.body)["series"]] == ["dns_seconds"]
    assert {urlsplit(link).path.rsplit("/", 1)[1] for link in asked} == {"range", "export", "availability", "percentiles"}


async def test_state_changes_are_paged(tmp_path: Path) -> None:
    async with SamplesFace(tmp_path, [http_check("health"), http_check("other", 2)]) as face:
        face.checks.changes = [change_of("health", number, State.FAIL, f"change {number}.") for number in range(1, 36)]
        face.checks.changes.append(change_of("other", 99, State.FAIL, "of another"))
        seen: list[str] = []
        path = "/checks/health"
        for _ in range(3):
            _, read = await got(face, path)
            seen += re.findall(r"change (\d+)\.", read.text)
            older = [link for link in links(read) if "before=" in link]
            path = "/checks/health" + (older[0].partition("#")[0] if older else "")
    assert seen == [str(number) for number in range(35, 0, -1)]
    assert not older
    assert "of another" not in read.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/checks/nosuch", 404),
        ("/checks/..%2f..%2fetc", 404),
        ("/checks/health?over=2y", 422),
        ("/checks/health?start=yesterday", 422),
        ("/checks/health?before=-5", 200),
        ("/checks/health?before=99999999999999999999999", 200),
        ("/checks/health?start=1e300&end=-1", 200),
    ],
)
async def test_what_is_asked_wrongly_gets_one_sentence(tmp_path: Path, path: str, status: int) -> None:
    async with SamplesFace(tmp_path, [http_check("health")]) as face:
        reply, read = await got(face, path)
    assert reply.status == status
    assert status == 200 or read.text.count("<") == 0


async def test_hostile_text_stays_text_on_the_page_of_a_check(tmp_path: Path) -> None:
    shown = http_check("health", sentence=HOSTILE, looks_at=HOSTILE, values={HOSTILE: 1.0, f"{HOSTILE}_seconds": 2.0})
    async with SamplesFace(tmp_path, [shown]) as face:
        face.checks.changes = [change_of("health", 1, State.FAIL, HOSTILE)]
        face.checks.seen = [
            {"at": datetime.now(UTC), "state": "ok", "sentence": HOSTILE, "values": {HOSTILE: 1.0}, "detail": HOSTILE + "\n" * 500}
        ]
        reply, read = await got(face, "/checks/health")
    harmless(reply, read)
    assert read.text.count("<script>alert(1)</script>") >= 6


def harmless(reply: Reply, read: Reader) -> None:
    """Nothing of it runs, is styled by others, or hides what it is."""
    assert reply.status == 200
    assert read.open == []
    scripts = [attributes.get("src") or "" for tag, attributes in read.tags if tag == "script"]
    assert scripts
    assert all(source.startswith("/static/") for source in scripts)
    assert not [name for _, attributes in read.tags for name in attributes if name.startswith("on") or name == "style"]
    assert not UNFIT.search(reply.body.decode())


def hostile_series() -> Iterator[Series]:
    for number, text in enumerate((HOSTILE, '"\\\n', "a" * 2000, "\u202eevil\u2066", "'><img src=x onerror=alert(1)>")):
        clean = text.replace("\ud800", "")
        yield one_series({NAME: f"hostile_{number}", "label": clean})
        yield one_series({NAME: f"named {number} {clean}"[:500], "job": clean})


async def test_hostile_names_and_labels_stay_text_on_the_page_of_samples(tmp_path: Path) -> None:
    async with SamplesFace(tmp_path, [], hostile_series()) as face:
        face.targets = [target(HOSTILE, "down", HOSTILE)]
        face.about = About(problems=[HOSTILE], refused={HOSTILE: 3})
        reply, read = await got(face, "/samples")
        harmless(reply, read)
        assert read.text.count("<script>alert(1)</script>") >= 4
        charted = [link for link in links(read) if "match=" in link]
        assert charted
        for link in charted:
            reply, read = await got(face, "/samples" + link)
            harmless(reply, read)
            asked = next(link for link in links(read) if link.startswith("/api/v1/samples/range"))
            answer, _ = await got(face, asked)
            assert answer.status == 200, answer.body
            assert len(json.loads(answer.body)["series"]) == 1
        words = parse_qs("words=" + "%3Cscript%3E")["words"][0]
        assert words == "<script>"
        reply, read = await got(face, "/samples?words=%3Cscript%3E&match=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
        harmless(reply, read)


def target(instance: str, health: str = "up", error: str = "") -> dict[str, object]:
    return {
        "job": "node",
        "instance": instance,
        "url": "http://127.0.0.1:9100/metrics",
        "health": health,
        "error": error,
        "last_scrape": datetime.now(UTC).isoformat(),
        "samples": 1234,
        "notes": [],
    }


async def test_metrics_are_listed_searched_and_paged(tmp_path: Path) -> None:
    series = [one_series({NAME: f"metric_{number:03}", "job": "a"}) for number in range(120)]
    series += [one_series({NAME: "metric_000", "job": "b"}), one_series({NAME: "wait_seconds_sum"})]
    async with SamplesFace(tmp_path, [], series) as face:
        _, first = await got(face, "/samples")
        _, last = await got(face, "/samples?page=3")
        _, beyond = await got(face, "/samples?page=999")
        _, found = await got(face, "/samples?words=WAIT%20sum")
        _, none = await got(face, "/samples?words=nothing")
    assert len(re.findall(r"metric_\d", first.text)) == METRICS
    assert "1 to 50 of 121" in first.text
    assert re.search(r"metric_000\s+2\s+2 \d+ s ago", first.text), "two series, whose newest value is 2"
    assert "101 to 121 of 121" in last.text
    shown, beside = (re.sub(r"\d+ s ago", "", page.text) for page in (last, beyond))
    assert shown == beside
    assert "1 of 121" in found.text
    assert "2 s " in " ".join(found.text.split()), "its unit is told by its name"
    assert "No metric's name has these words." in none.text


async def test_the_store_says_how_it_is(tmp_path: Path) -> None:
    async with SamplesFace(tmp_path) as face:
        _, read = await got(face, "/samples")
        assert "There are no samples yet" in read.text
        assert "Nothing is scraped" in read.text
        oldest = datetime(2026, 11, 1, 6, tzinfo=UTC)
        face.about = About(
            series=10_000,
            per_second=1000.4,
            waiting=12,
            shed=3,
            size=2**20,
            refused={"older than is kept": 7},
            tiers=[TierFigures("raw", 23, 3 * 2**20, oldest)],
            problems=["samples/raw/20261101T06.parquet was altered"],
        )
        face.targets = [target("10.0.0.1:9100", "down", "connection refused"), *(target(f"10.0.1.{number}") for number in range(150))]
        _, read = await got(face, "/samples")
    text = "".join(read.text.split())
    for words in (
        "10,000",
        "samples a second 1000",
        "1 MiB",
        "refused: older than is kept 7",
        "3 MiB 2026-11-01 06:00 UTC",
        "samples/raw/20261101T06.parquet was altered",
        "connection refused",
        "and 51 more",
    ):
        assert "".join(words.split()) in text, words


async def test_ten_thousand_series_are_a_small_page(tmp_path: Path) -> None:
    end = datetime.now(UTC).timestamp()
    series = [
        Series({NAME: f"metric_{number // 100:03}", "place": str(number)}, np.array([end - 5]), np.array([1.0])) for number in range(10_000)
    ]
    async with SamplesFace(tmp_path, [], series) as face:
        reply, read = await got(face, "/samples")
        one, _ = await got(face, "/api/v1/samples/range?match=metric_000&start=-1h&step=60&of=avg,count,min,max,last&limit=12")
    assert reply.status == 200
    assert "1 to 50 of 100" in read.text
    assert len(reply.body) < 60_000
    assert json.loads(one.body)["total"] == 100
    assert len({json.dumps(entry["labels"]) for entry in json.loads(one.body)["series"]}) == 12


def test_what_comes_from_others_keeps_its_licence() -> None:
    told = (VENDOR / "README.md").read_text()
    rows = {
        cells[0]: cells[1:]
        for line in told.splitlines()
        if (cells := [cell.strip() for cell in line.strip("|").split("|")])[-1:] and "|" in line
    }
    files = sorted(path.name for path in VENDOR.iterdir() if path.suffix in (".js", ".css"))
    assert files == sorted(name for name in rows if name.endswith((".js", ".css")))
    for name in files:
        licence = rows[name][2].partition(", ")
        text = (VENDOR / licence[2]).read_text()
        assert re.search({"MIT": "The MIT License", "0BSD": "Zero.Clause|BSD Zero"}[licence[0]], text), name
    assert (
        (VENDOR / "uplot.min.js").read_bytes().startswith(f"/*! https://github.com/leeoniya/uPlot (v{rows['uplot.min.js'][1]}) */".encode())
    )


async def test_an_old_change_of_the_time_is_kept_in_the_links(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    start, end = (now - timedelta(hours=2)).timestamp() // 1, now.timestamp() // 1
    async with SamplesFace(tmp_path, [http_check("health")]) as face:
        _, read = await got(face, f"/checks/health?start={start:.0f}&end={end:.0f}")
    asked = [parse_qs(urlsplit(link).query) for link in links(read) if "/samples/range" in link]
    assert asked
    assert all((float(one["start"][0]), float(one["end"][0])) == (start, end) for one in asked)
