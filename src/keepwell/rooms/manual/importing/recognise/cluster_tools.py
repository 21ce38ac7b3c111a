"""Tools beside kubectl: ``virtctl`` for virtual machines of KubeVirt, ``ceph`` for storage, ``ocm`` for clusters."""

from collections.abc import Mapping

from keepwell.rooms.manual.importing.filled_words import fill, in_diagnosis, knows, step, to_file, understood_behind, whole
from keepwell.rooms.manual.importing.model import CheckDraft, Disposition, Fate, Found, Recogniser, View
from keepwell.rooms.manual.reading.model import Kind

_FLAGS = ("-n", "--namespace", "-A", "--all-namespaces", "-f", "--format", "-o", "--force", "--grace-period", "--context")
_LOOKS: Mapping[str, frozenset[str]] = {
    "virtctl": frozenset(("version", "guestosinfo", "userlist", "fslist")),
    "ceph": frozenset(("status", "health", "df", "-s", "versions")),
    "ocm": frozenset(("list", "get", "describe", "whoami")),
    "helm": frozenset(("list", "ls", "status", "history", "get")),
}
_LOOKS_IN_SECOND = frozenset(("status", "stat", "dump", "tree", "df", "ls", "detail", "perf"))
_CHANGES: Mapping[str, frozenset[str]] = {
    "virtctl": frozenset(("start", "stop", "restart", "pause", "unpause", "migrate", "migrate-cancel", "addvolume", "removevolume")),
    "ceph": frozenset(),
    "ocm": frozenset(),
    "helm": frozenset(("rollback", "uninstall", "delete")),
}


def _read(view: View) -> Found | None:
    command = next((command for command in view.pipeline if command.name in _LOOKS), None)
    if command is None:
        return None
    operands = [word.text or "" for word in command.operands]
    verb = operands[0] if operands else next(iter(command.flags), "")
    second = operands[1] if len(operands) > 1 else ""
    looks = verb in _LOOKS[command.name] or (command.name == "ceph" and second in _LOOKS_IN_SECOND)
    known = knows(command, (*_FLAGS, verb)) and understood_behind(command) and (looks or verb in _CHANGES[command.name])
    name = ".".join(part.lstrip("-") for part in (command.name, verb, second if command.name == "ceph" else "") if part)
    operation = name if known else ""
    if not looks:
        return step(
            view,
            ("rollback", "runbook") if verb == "rollback" else ("deploy",) if verb in ("upgrade", "install") else ("runbook",),
            operation,
        )
    if command.name != "ceph" or to_file(command):
        return step(view, ("diagnostics",), operation)
    filled = fill(view, *whole(command))
    draft = CheckDraft("command", {"run": [*filled.texts[:1], "health"], "expect": {"output_contains": "HEALTH_OK"}})
    drafts = (draft,) if verb in ("status", "-s", "health") and filled.ready and not in_diagnosis(view) else ()
    return Found(
        Fate.CHECK, ("check.host", "diagnostics"), operation, drafts, Disposition.MISSING if filled.missing else Disposition.CARRIED
    )


RECOGNISER = Recogniser(
    "cluster_tools",
    (Kind.COMMAND, Kind.ASSIGNMENT),
    _read,
    tuple(_LOOKS),
    order=60,
    example="""# Storage
```bash
ceph status
virtctl restart <vm-name> -n <namespace>
```
""",
)
