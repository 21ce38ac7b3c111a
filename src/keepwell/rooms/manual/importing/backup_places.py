"""Where copies of what a manual only lists are kept: in the repository of a backup that the manual makes of the same paths. Pure."""

from collections.abc import Mapping
from typing import Any

Backups = Mapping[str, tuple[dict[str, Any], Any]]


def place_listed(backups: Backups, repositories: Mapping[str, Any]) -> None:
    """Gives each backup of files without a repository one: that of the first daily backup, else of the first, which holds all of its paths;
    else the only repository that there is."""
    homes = [value for value, _ in backups.values() if "to" in value and value.get("files")]
    homes.sort(key=lambda value: value.get("every") != "daily")
    for value, _ in backups.values():
        if "to" in value or not value.get("files"):
            continue
        wanted = value["files"].get("paths", ())
        home = next((one["to"] for one in homes if all(_holds(one["files"].get("paths", ()), path) for path in wanted)), "")
        home = home or (next(iter(repositories)) if len(repositories) == 1 else "")
        if home:
            value["to"] = home


def _holds(paths: Any, path: str) -> bool:
    return any(path.rstrip("/") == one.rstrip("/") or path.startswith(one.rstrip("/") + "/") for one in paths)
