"""KW406: the last field of an access log is taken for a time."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual

from .pattern_words import files_of, is_access_log, program_of, said_above


def _check(manual: Manual) -> Iterator[Finding]:
    configured = any("request_time" in setting.value or "response_time" in setting.value for setting in manual.settings)
    if configured or any("$request_time" in line or "$upstream_response_time" in line for line in manual.lines):
        return
    for command in manual.commands:
        numeric = any(part.name == "sort" and part.has_flag("-n", "-g", "-nr", "-rn") for part in command.pipeline) or "+=" in program_of(
            command
        )
        if "$NF" not in program_of(command) or not any(is_access_log(path) for path in files_of(command)):
            continue
        if numeric and re.search(r"\btimes?\b|latency|slow|duration", said_above(manual, command.line)):
            yield Finding(
                command.line,
                "the last field of the combined format is the user agent, not a time, and the manual configures no other log_format",
                command.end_line,
                command.column,
                "end log_format with $request_time, and say so in the manual",
                width=len(command.name),
            )


RULE = Rule(
    id="KW406",
    name="last-field-of-an-access-log",
    title="The last field of an access log is taken for a time",
    severity=Severity.WARNING,
    why="The default format of nginx and the combined format of Apache end with the quoted user agent; neither holds how long a "
    "request took. Sorting "
    "their last field as a number sorts words. A time is there only after log_format has been given $request_time. "
    "Source: https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format",
    bad="# Response times\n\n```bash\n# Monitor response times\nawk '{print $NF}' logs/nginx/access.log | sort -n | tail\n```\n",
    good="""# Response times

The server logs with `log_format timed '$remote_addr "$request" $status $request_time';`

```bash
# Monitor response times
awk '{print $NF}' logs/nginx/access.log | sort -n | tail
```
""",
    check=_check,
)
