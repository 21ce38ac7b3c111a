"""What tests of recognisers share: one command of a small manual, and what a recogniser makes of it."""

import json
from collections.abc import Mapping
from importlib import import_module

from keepwell.rooms.manual.importing.capabilities import CAPABILITIES
from keepwell.rooms.manual.importing.model import CheckDraft, Found, Recogniser
from keepwell.rooms.manual.importing.views import views
from keepwell.rooms.manual.reading.document import read_manual


def recognised(
    recogniser: Recogniser, shell: str, section: str = "Operations", values: Mapping[str, str] | None = None, at: int = 0
) -> Found:
    """What it makes of the command number ``at`` (from 0) among those that it is asked for. Every check that it drafts must be valid."""
    manual = read_manual(f"# Shop\n\n## {section}\n\n```bash\n{shell}\n```\n".encode(), "shop.md")
    asked = [
        view
        for view in views(manual, values)
        if view.item.kind in recogniser.kinds and any(command.name in recogniser.programs for command in view.pipeline)
    ]
    found = recogniser.read(asked[at])
    assert found is not None, asked[at].item.text
    assert set(found.capabilities) <= CAPABILITIES
    for draft in found.drafts:
        if isinstance(draft, CheckDraft):
            validate(draft)
    return found


def validate(draft: CheckDraft) -> None:
    """Raises where the check could not be written into keepwell.yaml."""
    kind = import_module(f"keepwell.rooms.checks.kinds.{draft.kind}").DRIVER
    settings = {**draft.settings, **({"url": draft.base} if draft.base else {})}
    kind.options.model_validate_json(json.dumps(settings))


def only_check(found: Found) -> CheckDraft:
    """Its only draft, which is a check."""
    (draft,) = found.drafts
    assert isinstance(draft, CheckDraft)
    return draft
