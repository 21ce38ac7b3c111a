"""What a manual shows of its logs: the configuration of logrotate is their policy, a tree of their folder says where they are."""

import re
from collections.abc import Iterator
from typing import Any

from keepwell.rooms.manual.importing.log_words import is_log, log_name, rotation
from keepwell.rooms.manual.importing.model import EntryDraft, Fate, Found, Recogniser, View
from keepwell.rooms.manual.reading.model import Kind
from keepwell.rooms.manual.reading.parts import Setting

_BRANCH = re.compile(r"^(?:├|└|\|--|`--|\+--)[─-]*\s*(\S+)")
"""A branch at the root; what stands further in belongs to a folder of its own."""
_NUMBERED = re.compile(r"\.[0-9]+(?:\.gz)?(?:\s|$)")
_ROOT = re.compile(r"^(/?[\w./-]+/)\s*(?:#.*)?$")


def _read(view: View) -> Found | None:
    return _configuration(view) or _tree(view)


def _configuration(view: View) -> Found | None:
    """A fence of logrotate's own language."""
    fence = view.fence
    if fence is None or not any(setting.syntax == "logrotate" for setting in fence.settings):
        return None
    # ``create 640 shop adm`` says who may read them.
    second = "security.permissions" if any(setting.key == "create" and setting.value for setting in fence.settings) else "logs.layout"
    return Found(Fate.LOGS, ("logs.rotate", second), drafts=tuple(_entries(fence.settings)))


def _entries(settings: tuple[Setting, ...]) -> Iterator[EntryDraft]:
    """An entry for each block; what stands before the blocks is the default of all of them."""
    common = {setting.path[0]: setting.value for setting in settings if len(setting.path) == 1}
    blocks = dict.fromkeys(setting.path[0] for setting in settings if len(setting.path) == 2)
    for globs in blocks:
        own = {setting.path[1]: setting.value for setting in settings if len(setting.path) == 2 and setting.path[0] == globs}
        paths = [path.strip("\"'") for path in globs.split()]
        yield EntryDraft("logs", log_name(paths[0]), {"paths": paths, "rotate": rotation({**common, **own})})


def _tree(view: View) -> Found | None:
    """A tree of the files in a folder of logs, as ``tree`` draws it."""
    fence = view.fence
    if fence is None or fence.language not in ("text", "console", "shell", ""):
        return None
    lines = [text for _, text in fence.lines if text.strip()]
    root = _ROOT.match(lines[0].strip()) if lines else None
    files = [match[1] for text in lines if (match := _BRANCH.match(text.strip()))]
    if root is None or not files or not is_log(root[1]) or not all(text.lstrip()[:1] in "├└│|`+" for text in lines[1:]):
        return None
    own = [match[1] for text in lines if (match := _BRANCH.match(text.rstrip()))]
    paths = [f"{root[1]}{file}" for file in own if not file.endswith("/") and is_log(file)]
    value: dict[str, Any] = {"paths": paths, **_archive(lines)}
    return Found(Fate.LOGS, ("logs.layout",), drafts=(EntryDraft("logs", log_name(root[1]), value),) if paths else ())


def _archive(lines: list[str]) -> dict[str, Any]:
    """The folder of rotated files, where the tree shows one with numbered files in it."""
    folder = ""
    for text in lines[1:]:
        match = _BRANCH.match(text.rstrip())
        if match:
            folder = match[1] if match[1].endswith("/") else ""
        elif folder and _NUMBERED.search(text):
            return {"rotate": {"archive": folder.rstrip("/")}}
    return {}


RECOGNISER = Recogniser(
    name="log_files",
    kinds=(Kind.FENCE,),
    read=_read,
    order=40,
    example="""# Shop

```logrotate
/var/log/shop/*.log {
    daily
    rotate 14
    compress
    delaycompress
}
```
""",
)
