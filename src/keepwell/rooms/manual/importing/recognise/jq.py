"""``jq`` on a file: of an answer that the script keeps, it reads a figure or a condition; of anything else, it shows (jq manual)."""

from collections.abc import Iterator

from keepwell.rooms.manual.importing.filled_words import fill, is_filter, knows, step, to_file, understood_behind
from keepwell.rooms.manual.importing.http_words import HttpCall, place_of, read_call
from keepwell.rooms.manual.importing.jq_conditions import json_conditions
from keepwell.rooms.manual.importing.model import Draft, ExpectDraft, Fate, Found, Recogniser, View
from keepwell.rooms.manual.reading.model import Kind
from keepwell.rooms.manual.reading.shell_model import ShellCommand

_DECLARATIONS = frozenset(("local", "export", "readonly", "declare", "typeset", "echo", "printf", "[", "[[", "test"))


def _read(view: View) -> Found | None:
    first = next((command for command in view.pipeline if command.name not in _DECLARATIONS), None)
    if first is None or first.name not in ("jq", "cat"):
        return None
    jq = first if first.name == "jq" else first.piped_to
    if jq is None or jq.name != "jq":
        return None
    understood = is_filter(jq) and understood_behind(jq) and knows(first, () if first is not jq else jq.flags)
    source = _answer(view, jq, first)
    if source is None:
        writes = to_file(jq) or jq.has_flag("-i")
        return step(view, ("change",) if writes else ("diagnostics",), "json.read" if understood and not writes else "")
    call = source
    return Found(Fate.CHECK, ("metric", "check.http"), "json.read" if understood else "", tuple(_drafts(view, jq, call)))


def _answer(view: View, jq: ShellCommand, first: ShellCommand) -> HttpCall | None:
    """The request of the same script whose answer is kept in the file that is read."""
    if view.script is None:
        return None
    words = first.operands if first is not jq else jq.operands[1:]
    files = [*(word.filled for word in words), *(use.target.filled for use in first.redirections if use.operator == "<")]
    for command in view.script.named("curl", "wget"):
        call = read_call(command)
        kept = [call.saved_as, *(use.target.filled for use in command.redirections if use.of_output and use.writes)]
        if call.reads and any(name and name in files for name in kept):
            return call
    return None


def _drafts(view: View, jq: ShellCommand, call: HttpCall) -> Iterator[Draft]:
    conditions = json_conditions(jq, view.script)
    address = fill(view, *call.addresses[:1])
    place = place_of(address.text)
    if conditions and address.ready and not place.problem:
        yield ExpectDraft(conditions, place.path)


RECOGNISER = Recogniser(
    "jq",
    (Kind.COMMAND, Kind.ASSIGNMENT),
    _read,
    ("jq",),
    order=60,
    example="""# Health
```bash
curl -s -o /tmp/answer.json http://127.0.0.1:8080/health
status=$(jq -r .status /tmp/answer.json)
if [ "$status" != "healthy" ]; then echo "not healthy"; fi
```
""",
)
