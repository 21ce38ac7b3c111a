"""KW508: a monitor that runs every few minutes sends an alert each time while a fault lasts."""

import re
from collections.abc import Iterator
from posixpath import basename

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.lint.rules.intent import entries_of, minutes_between
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand

_OFTEN = 15
_ALERT = re.compile(r"^(send_?)?(alert|notify|notification|page|pager)\w*$|^(mail|mailx|sendmail|send_\w+)$", re.IGNORECASE)
_WEBHOOK = re.compile(r"hooks\.slack|webhook|/alerts?\b|pagerduty|opsgenie|discord\.com/api", re.IGNORECASE)
_STATE = re.compile(
    r"last[_-]?(state|status|alert|sent)|\bstate\b|\.(state|lock|count|stamp)\b|count(er)?=|\bfail(ure)?s?=|previous", re.IGNORECASE
)


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        often = [
            minutes
            for entry in entries_of(manual, script)
            if (minutes := minutes_between(entry.schedule)) is not None and minutes <= _OFTEN
        ]
        if not often or _STATE.search(_code(script)):
            continue
        sent = _sent(script)
        if sent:
            worst = sent[-1]
            yield Finding(
                worst.line,
                f"{basename(script.file)[:60]} keeps nothing between its runs: while the fault lasts this sends a message every "
                f"{'minute' if often[0] == 1 else f'{often[0]} minutes'}, one blip sends one too, and the end of it is never told",
                worst.end_line,
                worst.column,
                "keep the last state in a file; alert when it changes, or after several failures in a row",
                width=len(worst.name),
            )


def _code(script: Script) -> str:
    """The script without its comments and without what it prints."""
    return "\n".join(command.text for command in script.commands if command.name not in ("echo", "printf", "jq", "curl")) + "\n".join(
        f"{assignment.name}=" for assignment in script.assignments if not assignment.keyword
    )


def _alerts(command: ShellCommand) -> bool:
    if _ALERT.match(command.name):
        return True
    return command.name == "curl" and any(_WEBHOOK.search(word.filled) for word in command.arguments)


def _sent(script: Script) -> list[ShellCommand]:
    """Where alerts are sent: the calls, not the inside of the function that sends."""
    return [command for command in script.commands if command.depth == 0 and _alerts(command) and not _ALERT.match(command.function)]


RULE = Rule(
    id="KW508",
    name="alert-every-run",
    title="A lasting fault sends an alert at every run",
    severity=Severity.WARNING,
    why="A script that knows nothing of its last run must treat each failure as new: one failed request alerts at once, an outage of an "
    "hour sends sixty messages from a job that runs each minute, and nobody is told that it is over. People then mute the channel. "
    "Source: Site Reliability Engineering (Beyer et al.), chapter 6, on alerts that are read.",
    bad="""# Watch

```bash
#!/bin/bash
# /opt/shop/watch.sh
if ! curl -fsS --max-time 10 http://localhost:8080/health; then
    send_alert "shop is down"
fi
```

```crontab
* * * * * /opt/shop/watch.sh
```
""",
    good="""# Watch

```bash
#!/bin/bash
# /opt/shop/watch.sh
now=good
curl -fsS --max-time 10 http://localhost:8080/health || now=bad
if [ "$now" != "$(cat /run/shop.state)" ]; then
    send_alert "shop is $now"
fi
echo "$now" > /run/shop.state
```

```crontab
* * * * * /opt/shop/watch.sh
```
""",
    check=_check,
)
