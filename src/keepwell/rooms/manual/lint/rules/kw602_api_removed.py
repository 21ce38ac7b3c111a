"""KW602: an API, or a version of one, that the server no longer has."""

from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.parts import Setting

from .removed import ALERTMANAGER, API_VERSIONS, Removed

_GONE = frozenset(entry.name for entry in API_VERSIONS)


def _check(manual: Manual) -> Iterator[Finding]:
    yield from _alertmanager(manual)
    for fence in manual.fences:
        kinds = [setting for setting in fence.settings if setting.path == ("kind",)]
        for setting in fence.settings:
            entry = _removed(setting, kinds) if setting.path == ("apiVersion",) and setting.value in _GONE else None
            if entry:
                yield Finding(
                    setting.line, f"{setting.value} is not served any more {entry.when}, so this manifest is refused", fix=entry.instead
                )


def _removed(setting: Setting, kinds: list[Setting]) -> Removed | None:
    """The entry for an apiVersion, by the kind that stands nearest to it."""
    nearest = min(kinds, key=lambda kind: abs(kind.line - setting.line), default=None)
    kind = nearest.value if nearest else ""
    return next((entry for entry in API_VERSIONS if entry.name == setting.value and (not entry.within or kind in entry.within)), None)


def _alertmanager(manual: Manual) -> Iterator[Finding]:
    told: set[int] = set()
    for script in manual.scripts:
        for command in script.named("curl", "wget", "http"):
            at = next((word for word in command.arguments if ALERTMANAGER.name in word.raw), None)
            named = at and (":9093/" in at.filled or "alertmanager" in at.raw.lower())
            if at and named and command.line not in told:
                told.add(command.line)
                yield Finding(
                    command.line,
                    f"Alertmanager has no {ALERTMANAGER.name} any more {ALERTMANAGER.when}: it answers 410 and the list of "
                    "alerts stays empty",
                    command.end_line,
                    command.column,
                    ALERTMANAGER.instead,
                    width=len(command.name),
                )


RULE = Rule(
    id="KW602",
    name="api-removed",
    title="The API that is called has been removed",
    severity=Severity.ERROR,
    why="An API that was removed refuses every request. Where the answer is only filtered, the refusal looks like 'no alerts'; a "
    "manifest is not "
    "applied on the day it is needed. Each entry of the rule's table says since when and where that stands. "
    f"Sources: {ALERTMANAGER.source} and {API_VERSIONS[0].source}",
    bad="# Alerts\n\n```bash\ncurl -fs http://alertmanager:9093/api/v1/alerts | jq '.data[]'\n```\n",
    good="""# Alerts

```bash
curl -fs http://alertmanager:9093/api/v2/alerts | jq '.[]'
curl -fs http://prometheus:9090/api/v1/alerts | jq '.data'
```

```yaml
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
```
""",
    check=_check,
)
