"""Load tests: ``k6``, ``ab``, ``wrk`` and ``hey``, and the k6 scripts that a here-document writes (k6's documentation; ab(1))."""

import re
from collections.abc import Mapping

from keepwell.rooms.manual.importing.filled_words import knows, step, understood_behind
from keepwell.rooms.manual.importing.model import Found, Recogniser, View
from keepwell.rooms.manual.reading.model import Kind
from keepwell.rooms.manual.reading.shell_model import ShellCommand

_FLAGS: Mapping[str, frozenset[str]] = {
    program: frozenset(flags.split())
    for program, flags in {
        "k6": "-o --out -e --env -u --vus -d --duration -i --iterations --summary-export -q --quiet --no-summary -s --stage --tag",
        "ab": "-n -c -k -t -p -T -H -C -A -r -l -s -q -g -e",
        "wrk": "-t -c -d -s -H --latency --timeout",
        "hey": "-n -c -q -z -m -H -d -D -T -t -A -a -o -host -disable-keepalive",
        "vegeta": "",
        "siege": "-c -t -r -f -b -i -d -q",
        "locust": "-f -H --host -u --users -r --spawn-rate -t --run-time --headless --html --csv",
        "artillery": "-o --output -t --target",
    }.items()
}
_SCRIPT = re.compile(r"""(?:from|require\()\s*['"]k6(?:/|['"])""")


def _read(view: View) -> Found | None:
    for command in view.pipeline:
        if command.name in _FLAGS:
            verb = command.subcommand if command.name == "k6" else "run"
            known = verb == "run" and bool(command.operands) and knows(command, _FLAGS[command.name]) and understood_behind(command)
            return step(view, ("loadtest", "report"), f"{command.name}.run" if known else "")
        if command.heredoc is not None and _SCRIPT.search(command.heredoc.body):
            return step(view, ("loadtest",), "k6.script" if _writes(command) else "")
    return None


def _writes(command: ShellCommand) -> bool:
    targets = [use.target for use in command.redirections if use.of_output and use.writes]
    return command.name in ("cat", "tee") and not command.flags and len(targets) + len(command.operands) == 1


RECOGNISER = Recogniser(
    "k6",
    (Kind.COMMAND,),
    _read,
    (*_FLAGS, "cat", "tee"),
    order=20,
    example="""# Load
```bash
k6 run --vus 20 --duration 2m checkout.js
```
""",
)
