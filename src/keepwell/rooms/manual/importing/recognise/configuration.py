"""Configuration of other software, and code in other languages: what to set, not what Keepwell does."""

import re

from keepwell.rooms.manual.importing.model import EntryDraft, Fate, Found, Recogniser, View
from keepwell.rooms.manual.importing.topics import about
from keepwell.rooms.manual.reading.model import Fence, Kind

_CONFIGURATION = frozenset(
    ("yaml", "json", "ini", "toml", "systemd", "nginx", "dockerfile", "xml", "hcl", "terraform", "properties", "apache", "jsonnet")
)
_CODE = frozenset(
    (
        "rust",
        "javascript",
        "js",
        "typescript",
        "ts",
        "java",
        "go",
        "python",
        "powershell",
        "c",
        "cpp",
        "csharp",
        "ruby",
        "php",
        "kotlin",
        "diff",
        "lua",
    )
)
_TOPICS = (
    (re.compile(r"kind:\s*(?:Horizontal|Vertical)PodAutoscaler|minReplicas|autoscaling/"), ("scale",)),
    (re.compile(r"postgresql\.conf|shared_buffers|work_mem|max_connections|innodb_|wal_buffers"), ("database.tuning", "tuning")),
    (re.compile(r"hikari|pool[-_]size|-Xm[sx]|-XX:|GOMAXPROCS|maxmemory|worker_(?:processes|connections)|vm\.|net\.core"), ("tuning",)),
    (re.compile(r"^\s*-\s*alert:|alerting|alertmanager", re.MULTILINE), ("rule",)),
    (re.compile(r"scrape_configs|job_name"), ("metric",)),
    (re.compile(r"\[Unit\]|\[Service\]|ExecStart"), ("check.service",)),
    (re.compile(r"OnCalendar|\[Timer\]|kind:\s*CronJob"), ("schedule",)),
    (re.compile(r"ssl_certificate|tls:|cert-manager"), ("security.certificates",)),
)
_ALERT = re.compile(r"^\s*-\s*alert:", re.MULTILINE)


def read(view: View) -> Found | None:
    """A fence in a language of configuration or of programs; rules of Prometheus are rules."""
    fence = view.fence
    if fence is None:
        return None
    if fence.language == "yaml" and _ALERT.search(fence.content):
        drafts = tuple(_rules(fence))
        return Found(Fate.RULE, ("rule", "check.promql"), drafts=drafts)
    if fence.language in _CONFIGURATION | _CODE or (fence.language in ("shell", "console") and _is_settings(fence)):
        return Found(Fate.EXAMPLE, about(view, *_topics(fence), fallback="tuning"))
    return None


def _topics(fence: Fence) -> tuple[str, ...]:
    return next((words for pattern, words in _TOPICS if pattern.search(fence.content[:8000])), ())


def _is_settings(fence: Fence) -> bool:
    """Whether a fence of shell only sets variables to flags of another program, or holds keys and values of YAML."""
    script = fence.script
    if script is None or script.commands:
        lines = [text.strip() for _, text in fence.lines if text.strip() and not text.lstrip().startswith("#")]
        keys = [line for line in lines if re.match(r"-?\s*[\w./-]+:(?:\s|$)", line)]
        return len(lines) > 2 and len(keys) * 10 >= len(lines) * 8
    flags = [
        assignment for assignment in script.assignments if assignment.value and re.search(r"(?:^|\s|\")-[A-Za-z]", assignment.value.raw)
    ]
    return bool(flags) and len(flags) * 2 > len(script.assignments)


def _rules(fence: Fence) -> tuple[EntryDraft, ...]:
    """Each alert as written: its expression, how long it must hold, its severity."""
    found: dict[tuple[str, ...], dict[str, str]] = {}
    for setting in fence.settings:
        # The path of a rule ends in its number in the list: groups.0.rules.1
        at = next((at for at in range(len(setting.path), 0, -1) if setting.path[at - 1].isdigit()), 0)
        if setting.path[at:] in (("alert",), ("expr",), ("for",), ("labels", "severity")):
            found.setdefault(setting.path[:at], {})[setting.path[-1]] = " ".join(setting.value.split())
    return tuple(
        EntryDraft("rules", rule["alert"], {key: rule[key] for key in ("expr", "for", "severity") if key in rule})
        for rule in found.values()
        if "alert" in rule and "expr" in rule
    )


RECOGNISER = Recogniser(
    "configuration",
    (Kind.FENCE,),
    read,
    order=48,
    example="""\
## Connections

```ini
# pgbouncer.ini
default_pool_size = 30
```
""",
)
