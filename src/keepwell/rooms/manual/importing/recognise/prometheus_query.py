"""Queries to Prometheus over HTTP: their PromQL is kept (Prometheus, HTTP API)."""

import re
from dataclasses import replace
from urllib.parse import unquote

from keepwell.rooms.manual.importing.amend_texts import MENDS
from keepwell.rooms.manual.importing.filled_words import fill, to_file, understood_behind
from keepwell.rooms.manual.importing.http_words import HttpCall, Place, place_of, read_call
from keepwell.rooms.manual.importing.jq_conditions import filter_of, path_of
from keepwell.rooms.manual.importing.model import CheckDraft, Disposition, Fate, Found, Recogniser, View
from keepwell.rooms.manual.reading.model import Kind
from keepwell.rooms.manual.reading.shell_model import ShellCommand

_QUERY = re.compile(r"/api/v1/query(?:_range)?$")
_VALUE = "data.result[0].value[1]"


def _read(view: View) -> Found | None:
    command = next((command for command in view.pipeline if command.name in ("curl", "wget")), None)
    if command is None:
        return None
    call = read_call(command)
    filled = fill(view, *call.addresses[:1])
    place = place_of(filled.text)
    if not call.addresses or place.problem or not call.reads or not _QUERY.search(place.path.partition("?")[0]):
        return None
    expression = _expression(call, place)
    if not expression:
        return None
    # Lint shows this correction; a query that Prometheus refuses would never be anything but red.
    expression = MENDS["KW420"](expression, None) or expression
    understood = call.understood and understood_behind(command)
    found = Found(
        Fate.CHECK,
        _capabilities(view, command),
        "prometheus.query" if understood else "",
        reason=f"PromQL: {expression}",
    )
    if not filled.static or "$(" in expression:
        return replace(found, disposition=Disposition.MISSING)
    disposition = Disposition.MISSING if filled.missing else Disposition.CARRIED
    return replace(found, drafts=(_draft(view, command, place, expression),), disposition=disposition, missing=filled.missing)


def _expression(call: HttpCall, place: Place) -> str:
    """The PromQL, from the address or from what ``--data-urlencode`` puts into it. A plus sign is a plus sign."""
    for name, _, value in (part.partition("=") for part in place.query.split("&")):
        if name == "query" and value:
            # PromQL holds == and & seldom enough; what stands behind the first = belongs to it.
            return unquote(value)
    words = [word.text for word in call.query if word.text]
    return next((text.removeprefix("query=") for text in words if text.startswith("query=")), "")


def _draft(view: View, command: ShellCommand, place: Place, expression: str) -> CheckDraft:
    jq = next((other for other in command.pipeline if other.name == "jq"), None)
    shown = path_of(filter_of(jq)) if jq is not None else ""
    # Who prints the value of the first series relies on one; to others an answer without data is an answer.
    settings: dict[str, object] = {"query": expression, "no_data": "fail" if shown == _VALUE else "ok"}
    prefix = _QUERY.sub("", place.path.partition("?")[0])
    if prefix:
        settings["url"] = f"{place.base}{prefix}"
    told = _capabilities(view, command)[0] in ("report", "capacity")
    return CheckDraft("prometheus", settings, "" if prefix else place.base, _name(command, expression), every="1d" if told else "1m")


def _name(command: ShellCommand, expression: str) -> str:
    """What the line calls the figure (``echo "Error rate: $(...)"``), else the first metric of the expression."""
    outer = command.inside
    label = re.search(r"([A-Za-z][A-Za-z /-]{2,40}?)\s*[:=]\s*\$?\(?$", outer.text.partition("$(")[0]) if outer is not None else None
    metric = re.search(r"\b[a-z]\w*_\w+|\bup\b", expression)
    return label[1] if label else metric[0] if metric else ""


def _capabilities(view: View, command: ShellCommand) -> tuple[str, ...]:
    text = f"{view.words} {command.text} {view.item.text}".lower()
    if re.search(r"capacity|current (?:average )?load|peak load|growth|headroom", text):
        return "capacity", "check.promql"
    if to_file(command) or re.search(r"performance review|report\b", view.words):
        return "report", "check.promql"
    return "check.promql", "metric"


RECOGNISER = Recogniser(
    "prometheus_query",
    (Kind.COMMAND, Kind.ASSIGNMENT),
    _read,
    ("curl", "wget"),
    order=20,
    example="""# Load
```bash
curl -s 'http://127.0.0.1:9090/api/v1/query?query=sum(rate(http_requests_total[5m]))' | jq -r '.data.result[0].value[1]'
```
""",
)
