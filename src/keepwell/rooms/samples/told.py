"""Answers about samples for people on a terminal. Each function prints one sort of answer and gives the exit code."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from keepwell.kernel.comparisons import Unit, describe
from keepwell.kernel.exits import Exit
from keepwell.ports.offer import Call
from keepwell.ports.samples import NAME

_UNITS = (("_seconds", Unit.SECONDS), ("_bytes", Unit.BYTES), ("_ratio", Unit.RATIO))
_STYLES = {"met": "ok", "missed": "warn", "warning": "warn", "critical": "fail", "no data": "unknown"}
_HEALTH = {"up": "ok", "down": "fail", "unknown": "unknown"}
_NONE = "-"


def figure(name: str, value: float | None) -> str:
    """A number in the unit that the end of a metric's name says; a dash where there is none."""
    if value is None:
        return _NONE
    return describe(value, next((unit for ending, unit in _UNITS if name.endswith(ending)), Unit.NUMBER))


def seconds(value: float) -> str:
    """A length of time."""
    return describe(value, Unit.SECONDS)


def share(value: float | None) -> str:
    """A ratio as a percentage, with as many digits as one of many nines needs."""
    if value is None:
        return _NONE
    return f"{value * 100:.6f}".rstrip("0").rstrip(".") + " %"


def selector(labels: Mapping[str, str]) -> str:
    """A series as Prometheus writes it."""
    inner = ",".join(f'{name}="{value}"' for name, value in sorted(labels.items()) if name != NAME)
    return f"{labels.get(NAME, '')}{{{inner}}}" if inner else labels.get(NAME, "{}")


def _ended(call: Call, answer: Mapping[str, Any], found: bool) -> int:
    """Says how the question was answered; the exit code."""
    if not found:
        call.output.say("there are no such samples", style="dim")
        return Exit.NEGATIVE
    words = [f"from {answer['start']} to {answer['end']}"] if isinstance(answer.get("start"), str) else []
    words += [answer["note"]] if answer.get("note") else []
    if words:
        call.output.say("; ".join(words), style="dim")
    return Exit.OK


def series(call: Call, answer: Mapping[str, Any]) -> int:
    """Which series there are."""
    for labels in answer["series"]:
        call.output.say(selector(labels))
    if answer["total"] > len(answer["series"]):
        call.output.say(f"{len(answer['series'])} of {answer['total']} series: --limit gives more", style="dim")
    return _ended(call, {}, bool(answer["total"]))


def latest(call: Call, answer: Mapping[str, Any]) -> int:
    """The newest samples."""
    rows = [
        (selector({**one["labels"], NAME: name}), figure(name, one["value"]), one["at"])
        for name, found in answer["metrics"].items()
        for one in found
    ]
    if rows:
        call.output.table(("series", "value", "at"), rows)
    return _ended(call, {}, bool(rows))


def range_(call: Call, answer: Mapping[str, Any]) -> int:
    """Points over time: a table for each series, a column for each kind of point."""
    for labels, entries in _by_labels(answer["series"]):
        call.output.say(selector(labels), style="strong")
        instants = [point[0] for point in entries[0]["points"]]
        columns = [[point[1] for point in entry["points"]] for entry in entries]
        rows = [
            (_instant(at), *(figure(_named(labels, entry["of"]), value) for entry, value in zip(entries, values, strict=True)))
            for at, *values in zip(instants, *columns, strict=True)
        ]
        call.output.table(("at", *(entry["of"] for entry in entries)), rows)
    return _ended(call, answer, bool(answer["series"]))


def _by_labels(entries: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Mapping[str, str], list[Mapping[str, Any]]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for entry in entries:
        found.setdefault(selector(entry["labels"]), []).append(entry)
    yield from ((group[0]["labels"], group) for group in found.values())


def _named(labels: Mapping[str, str], kind: str) -> str:
    """The name whose end says the unit of a point: a count has none, and a rate is no amount."""
    return "" if kind in ("count", "rate") else labels.get(NAME, "")


def _instant(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


def availability(call: Call, answer: Mapping[str, Any]) -> int:
    """The availability of a check, its parts and its outages."""
    known = answer["availability"] is not None
    call.output.say(f"{answer['check']}: {share(answer['availability'])} available", style="strong")
    sorts = ("up", "down", "unknown", "no_data", "maintenance")
    call.output.table(("sort", "time"), [(sort.replace("_", " "), seconds(answer[f"{sort}_seconds"])) for sort in sorts])
    call.output.say(f"{answer['outages']} outages, the longest {seconds(answer['longest_outage_seconds'])}")
    if answer["newest_outages"]:
        rows = [(one["start"], "still down" if one["ongoing"] else one["end"], seconds(one["seconds"])) for one in answer["newest_outages"]]
        call.output.table(("down since", "until", "took"), rows)
    return _ended(call, answer, known)


def percentiles(call: Call, answer: Mapping[str, Any]) -> int:
    """How long phases took."""
    columns = ("mean", "p50", "p90", "p95", "p99", "max")
    rows = []
    for one in answer["series"]:
        name = one["labels"][NAME]
        phase = " ".join(word for word in (one["step"], one["phase"]) if word) if answer["check"] else ""
        rows.append((phase or selector(one["labels"]), f"{one['count']}", *(figure(name, one[column]) for column in columns)))
    if rows:
        call.output.table(("phase" if answer["check"] else "series", "count", *columns), rows)
    return _ended(call, answer, bool(rows))


def errors(call: Call, answer: Mapping[str, Any]) -> int:
    """The share of what failed."""
    rows = [
        (*(one["labels"][label] or _NONE for label in answer["by"]), f"{one['failed']:g}", f"{one['all']:g}", share(one["share"]))
        for one in answer["groups"]
    ]
    if answer["by"] and rows:
        call.output.table((*answer["by"], "failed", "of", "share"), rows)
    call.output.say(f"{answer['failed']:g} of {answer['all']:g} failed: {share(answer['share'])}", style="strong")
    return _ended(call, answer, answer["share"] is not None)


def trend(call: Call, answer: Mapping[str, Any]) -> int:
    """Where series are heading."""
    known = False
    for one in answer["series"]:
        name = one["labels"].get(NAME, "")
        call.output.say(selector(one["labels"]), style="strong")
        if one["points"] is None:
            call.output.say(f"  {one['why']}")
            continue
        known = True
        low, high = (figure(name, one[edge]) for edge in ("low", "high"))
        call.output.say(
            f"  now {figure(name, one['level'])}, {figure(name, one['per_day'])} a day ({low} to {high} with {one['confidence']:.0%})"
        )
        if one["reached"]:
            call.output.say(f"  {answer['until']}: {_reached(one['reached'])}")
    ended = _ended(call, answer, bool(answer["series"]))
    return ended if known else Exit.NEGATIVE


def _reached(reached: Mapping[str, Any]) -> str:
    if reached["answer"] == "already":
        return "already"
    days = {name: "never" if reached[name] is None else f"in {reached[name]:.1f} days" for name in ("days", "earliest_days", "latest_days")}
    return f"{days['days']} (at the earliest {days['earliest_days']}, at the latest {days['latest_days']})"


def compare(call: Call, answer: Mapping[str, Any]) -> int:
    """Now beside then."""
    rows = []
    for one in answer["series"]:
        name = one["labels"].get(NAME, "")
        for what in ("mean", "p95", "count", "increase"):
            if one["now"][what] is not None or one["then"][what] is not None:
                unit = "" if what == "count" else name
                ratio = _NONE if one["ratio"][what] is None else f"{one['ratio'][what]:.2f}"
                rows.append(
                    (selector(one["labels"]), what, figure(unit, one["now"][what]), figure(unit, one["then"][what]), ratio, one["why"])
                )
    if rows:
        call.output.table(("series", "of", "now", "then", "ratio", "too little data"), rows)
    if answer.get("note"):
        call.output.say(answer["note"], style="dim")
    return _ended(call, {}, bool(rows))


def targets(call: Call, answer: Mapping[str, Any]) -> int:
    """What is scraped, the worst first."""
    found = answer["targets"]
    if found:
        rows = [
            (
                one["health"],
                one["job"],
                one["instance"],
                one["last_scrape"] or "never",
                seconds(one["duration"]),
                f"{one['samples']}",
                _trouble(one),
            )
            for one in found
        ]
        columns = ("health", "job", "instance", "last scrape", "took", "samples", "trouble")
        call.output.table(columns, rows, styles=[_HEALTH[row[0]] for row in rows])
    else:
        call.output.say("no targets: write some into the section scrape", style="dim")
    for sentence in answer["refused"]:
        call.output.say(sentence, style="warn")
    return Exit.OK if all(one["health"] == "up" for one in found) and not answer["refused"] else Exit.NEGATIVE


def _trouble(target: Mapping[str, Any]) -> str:
    return "; ".join(text for text in (target["error"], *target["notes"]) if text)


def objectives(call: Call, answer: Mapping[str, Any]) -> int:
    """What is promised, and whether it is kept."""
    found = answer["objectives"]
    rows = [
        (
            one["verdict"],
            one["name"],
            one["promise"],
            one["target"],
            one["measured_words"],
            one["over"],
            one["budget_words"] or _NONE,
            one["why"],
        )
        for one in found
    ]
    if rows:
        columns = ("verdict", "objective", "promise", "target", "measured", "over", "budget left", "why")
        call.output.table(columns, rows, styles=[_STYLES[row[0]] for row in rows])
    else:
        call.output.say("no objectives: write some into the section objectives", style="dim")
    measured = [one for one in found if one["verdict"] != "no data"]
    return Exit.OK if measured and all(one["verdict"] == "met" for one in measured) else Exit.NEGATIVE
