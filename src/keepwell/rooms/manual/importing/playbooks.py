"""The runbook of a severity: the one whose title names it ("P1 - Critical Incident Response"), where there is just one such."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from .runbooks import Runbook

_ANSWERS = re.compile(r"\b(?:incident|respon[sd]\w*|playbook|outage|emergency)\b", re.IGNORECASE)


def place_playbooks(severities: Mapping[str, tuple[dict[str, Any], Any]], runbooks: Sequence[Runbook]) -> None:
    """Adds ``runbook`` to the severities that have one."""
    for name, (value, _) in severities.items():
        named = re.compile(rf"\b{re.escape(name)}\b", re.IGNORECASE)
        found = [one.path for one in runbooks if named.search(one.section.title) and _ANSWERS.search(one.section.title)]
        if len(found) == 1:
            value.setdefault("runbook", found[0])
