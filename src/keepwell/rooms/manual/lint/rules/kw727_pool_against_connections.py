"""KW727: the connection pools of all replicas together want more than the database allows."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.parts import Setting

_POOL = frozenset(
    ("maximum-pool-size", "maximumpoolsize", "max-pool-size", "maxpoolsize", "max_pool_size", "pool_size", "pool-size", "max-active")
)
_REPLICAS = frozenset(("maxreplicas", "replicas"))
_RESERVED = 3
"""superuser_reserved_connections of PostgreSQL."""


def _check(manual: Manual) -> Iterator[Finding]:
    pool = _largest(manual, _POOL)
    allowed = next((setting for setting in manual.settings if setting.key == "max_connections" and setting.value.isdigit()), None)
    replicas = _largest(manual, _REPLICAS) or _scaled(manual)
    if pool is None or allowed is None or replicas is None:
        return
    wanted = pool[0] * replicas[0]
    if wanted + _RESERVED > int(allowed.value):
        yield Finding(
            allowed.line,
            f"{replicas[0]} replicas (line {replicas[1]}) with pools of {pool[0]} (line {pool[1]}) want {wanted} connections; "
            f"of {allowed.value}, {_RESERVED} are reserved, so {max(0, int(allowed.value) - _RESERVED)} are left",
            fix="a smaller pool, fewer replicas, more connections, or a pooler such as PgBouncer",
        )


def _largest(manual: Manual, keys: frozenset[str]) -> tuple[int, int] | None:
    """The largest value of these settings and its line."""
    found = [_number(setting) for setting in manual.settings if setting.key in keys]
    return max((entry for entry in found if entry), default=None)


def _number(setting: Setting) -> tuple[int, int] | None:
    return (int(setting.value), setting.line) if re.fullmatch(r"\d{1,6}", setting.value) else None


def _scaled(manual: Manual) -> tuple[int, int] | None:
    words = [(command.option("--replicas"), command.line) for command in manual.commands if command.is_("kubectl", "scale")]
    return max(((int(word.filled), line) for word, line in words if word and word.filled.isdigit() and len(word.filled) < 6), default=None)


RULE = Rule(
    id="KW727",
    name="pool-against-connections",
    title="The pools of all replicas want more connections than there are",
    severity=Severity.WARNING,
    why="Each replica keeps a pool of its own. When the autoscaler adds the last ones, under the highest load, the database refuses "
    "their connections and "
    "those of the person who wants to look. Some are reserved for superusers. Source: PostgreSQL, max_connections and "
    "superuser_reserved_connections.",
    bad="""# Tuning

```ini
max_connections = 100
```

```yaml
spring:
  datasource:
    hikari:
      maximum-pool-size: 20
```

```yaml
kind: HorizontalPodAutoscaler
spec:
  maxReplicas: 10
```
""",
    good="""# Tuning

```ini
max_connections = 300
```

```yaml
spring:
  datasource:
    hikari:
      maximum-pool-size: 20
```

```yaml
kind: HorizontalPodAutoscaler
spec:
  maxReplicas: 10
```
""",
    check=_check,
)
