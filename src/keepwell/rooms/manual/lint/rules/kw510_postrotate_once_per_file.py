"""KW510: what is to run after a rotation runs for each file."""

from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.parts import Setting


def _check(manual: Manual) -> Iterator[Finding]:
    blocks: dict[tuple[str, str], dict[str, Setting]] = {}
    for setting in manual.settings:
        if setting.syntax == "logrotate" and len(setting.path) > 1:
            blocks.setdefault((setting.file, setting.path[0]), {})[setting.key] = setting
    for (_, files), block in blocks.items():
        for key in ("postrotate", "prerotate"):
            if key in block and "sharedscripts" not in block and _several(files):
                script = block[key]
                first = next(iter(script.value.strip().splitlines()), "its commands")
                yield Finding(
                    script.line,
                    f"without sharedscripts {key} runs once for each file of {files[:80]}: {first[:80]}",
                    script.end_line,
                    fix="sharedscripts",
                )


def _several(files: str) -> bool:
    return "*" in files or "?" in files or len(files.split()) > 1


RULE = Rule(
    id="KW510",
    name="postrotate-once-per-file",
    title="postrotate runs once for each file",
    severity=Severity.NOTE,
    why="logrotate runs postrotate for every log that it rotates, unless sharedscripts is given. With a pattern of six logs a service "
    "is reloaded six times in a row each night. Source: logrotate(8), sharedscripts.",
    bad="# Logs\n\n```logrotate\n/var/log/shop/*.log {\n    daily\n    postrotate\n        systemctl reload shop\n    endscript\n}\n```\n",
    good="""# Logs

```logrotate
/var/log/shop/*.log {
    daily
    sharedscripts
    postrotate
        systemctl reload shop
    endscript
}
```
""",
    check=_check,
)
