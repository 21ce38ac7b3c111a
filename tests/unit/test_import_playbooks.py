"""A severity gets the runbook whose title names it, where there is just one."""

import json

import yaml

from keepwell.rooms.incidents.options import IncidentsOptions
from keepwell.rooms.manual.importing.decide import import_manual

MANUAL = """\
# Shop

## Severities

| Severity | Description | Response time |
|---|---|---|
| P1 | Nobody can buy | 15 minutes |
| P2 | Slow | 1 hour |
| P3 | Ugly | 1 day |

## P1 - Critical incident response

```bash
systemctl restart shop
```

## P2 response, by day

```bash
systemctl reload shop
```

## P2 response, by night

```bash
systemctl reload shop
```

## P3 wishes

```bash
systemctl status shop
```
"""


def test_only_a_title_that_alone_names_the_severity_and_its_answer_counts() -> None:
    made = import_manual(MANUAL.encode(), "shop.md")
    written = yaml.safe_load(made.files["keepwell.yaml"])["incidents"]
    assert {name: level.get("runbook") for name, level in written["severities"].items()} == {
        "P1": "runbooks/p1-critical-incident-response.md",
        "P2": None,
        "P3": None,
    }
    assert written["severities"]["P1"]["runbook"] in made.files
    policy = IncidentsOptions.model_validate_json(json.dumps(written)).policy
    assert policy.severities["P1"].runbook == "runbooks/p1-critical-incident-response.md"
