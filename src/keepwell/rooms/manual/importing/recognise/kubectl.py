"""``kubectl`` and ``oc``: what looks at the cluster and what changes it (kubectl's reference; OpenShift's adds ``adm`` and ``rsh``)."""

import re
from collections.abc import Mapping
from typing import Any

from keepwell.rooms.manual.importing.filled_words import fill, in_diagnosis, is_filter, options, step, to_file, whole
from keepwell.rooms.manual.importing.model import CheckDraft, Disposition, Fate, Found, Recogniser, View
from keepwell.rooms.manual.reading.model import Kind
from keepwell.rooms.manual.reading.shell_model import ShellCommand, Word

_PROGRAMS = ("kubectl", "oc")
_EVERY = options("-n --namespace -A --all-namespaces --context --kubeconfig --cluster --user -o --output -l --selector --as -v")
_VERBS: Mapping[str, frozenset[str]] = {
    verb: frozenset(flags.split())
    for verb, flags in {
        "get": "-w --watch --show-labels --sort-by --field-selector --no-headers -L --label-columns --ignore-not-found --show-kind -f",
        "describe": "--show-events -f",
        "top": "--containers --sort-by --no-headers",
        "logs": "-f --follow --tail --since --since-time -c --container --all-containers --previous -p --timestamps --prefix"
        " --max-log-requests",
        "explain": "--recursive",
        "events": "--for --types -w --watch",
        "version": "--short --client",
        "cluster-info": "",
        "api-resources": "--namespaced --verbs",
        "auth": "--list",
        "rollout": "--to-revision --revision --timeout -w --watch",
        "scale": "--replicas --current-replicas --timeout",
        "autoscale": "--min --max --cpu-percent",
        "patch": "-p --patch --type --subresource --patch-file",
        "delete": "--force --grace-period --all --wait --timeout --field-selector --ignore-not-found -f --filename --now",
        "apply": "-f --filename -k --kustomize --dry-run --server-side --prune",
        "create": "-f --filename --from-literal --from-file --dry-run --image --from --schedule",
        "replace": "-f --filename --force",
        "edit": "",
        "set": "-c --containers --limits --requests",
        "label": "--overwrite --all",
        "annotate": "--overwrite --all",
        "cordon": "",
        "uncordon": "",
        "drain": "--ignore-daemonsets --delete-emptydir-data --delete-local-data --force --grace-period --timeout --pod-selector",
        "taint": "--overwrite",
        "exec": "-i -t -it -c --container --stdin --tty",
        "rsh": "-c --container",
        "cp": "-c --container",
        "port-forward": "--address",
        "wait": "--for --timeout --all",
        "debug": "--image -i -t -it --target --profile",
        "adm": "--image --dest-dir --node-selector --role --path --since --to-latest --to --force --all-images",
        "project": "",
        "config": "--current",
        "run": "--image --rm -i -t --restart",
        "expose": "--port --target-port --name --type",
        "whoami": "-t",
    }.items()
}
_KINDS: Mapping[str, str] = {
    spelling: kind
    for kind, spellings in {
        "deployment": "deployment deployments deploy",
        "statefulset": "statefulset statefulsets sts",
        "daemonset": "daemonset daemonsets ds",
        "autoscaler": "hpa horizontalpodautoscaler horizontalpodautoscalers",
        "claim": "pvc persistentvolumeclaim persistentvolumeclaims",
        "nodes": "node nodes no",
        "pods": "pod pods po",
    }.items()
    for spelling in spellings.split()
}
"""What the kind ``kubernetes`` looks at, by kubectl's names for it."""
_PLACES: Mapping[str, tuple[str, ...]] = {
    "namespace": ("-n", "--namespace"),
    "context": ("--context",),
}
# A kubeconfig may name programs to start: what a manual writes of one waits for acceptance, as a command.
_OTHER_PLACES = ("--kubeconfig", "-A", "--all-namespaces", "--cluster", "--user", "--as", "--field-selector", "-f")
_LOOKS = frozenset(("get", "describe", "top", "explain", "events", "version", "cluster-info", "api-resources", "auth", "whoami"))
_CHANGES: tuple[tuple[frozenset[str], tuple[str, ...]], ...] = (
    (frozenset(("scale", "autoscale")), ("scale",)),
    (frozenset(("apply", "create", "replace", "set", "run", "expose")), ("deploy", "change")),
    (frozenset(("patch", "edit", "label", "annotate", "config", "project")), ("change", "runbook")),
    (frozenset(("exec", "rsh", "port-forward", "debug", "cp", "wait")), ("diagnostics", "runbook")),
)


def _read(view: View) -> Found | None:
    command = next((command for command in view.pipeline if command.name in _PROGRAMS), None)
    if command is None:
        return None
    verb = _verb(command)
    operation = f"kubernetes.{_operation(command, verb)}" if _understood(view, verb) else ""
    if verb == "logs":
        return _logs(view, command, operation)
    if verb in _LOOKS or (verb == "rollout" and _second(command) in ("status", "history")):
        return _look(view, command, verb, operation)
    return step(view, _purpose(view, command, verb), operation)


def _verb(command: ShellCommand) -> str:
    return command.subcommand


def _second(command: ShellCommand) -> str:
    return command.operands[1].filled if len(command.operands) > 1 else ""


def _operation(command: ShellCommand, verb: str) -> str:
    second = _second(command).replace("-", "_")
    if verb in ("rollout", "adm", "set", "top", "auth", "config") and second.isidentifier():
        return f"{verb}.{second}"
    if verb == "create" and second in ("secret", "configmap", "namespace", "job"):
        return f"create.{second}"
    return verb.replace("-", "_")


def _understood(view: View, verb: str) -> bool:
    """Whether each command of the item is known: this program with options that it has, and filters."""
    clusters = [command for command in view.pipeline if command.name in _PROGRAMS]
    others = [command for command in view.pipeline if command.name not in (*_PROGRAMS, "export", "local", "echo")]
    return all(_known(command) for command in clusters) and all(is_filter(command) for command in others) and verb in _VERBS


def _known(command: ShellCommand) -> bool:
    flags = _VERBS.get(_verb(command))
    # kubectl takes a short option's value in the same word: -ojson, -lapp=etcd, -l=app.
    return flags is not None and all(flag in flags or flag in _EVERY or flag[:2] in ("-l", "-o", "-n") for flag in command.flags)


# --- commands that only look


def _look(view: View, command: ShellCommand, verb: str, operation: str) -> Found:
    capabilities = _looks_at(view, command, verb)
    if to_file(command):
        return step(view, ("incident.evidence", "diagnostics"), operation)
    if verb not in ("get", "top", "rollout") or command.has_flag("-w", "--watch") or view.item.kind is Kind.ASSIGNMENT:
        return step(view, capabilities, operation)
    filled = fill(view, *whole(command))
    disposition = Disposition.MISSING if filled.missing else Disposition.CARRIED
    # What the runbook of an alert lists is looked at when the alert has fired; one thing that it names can be asked for all the time.
    wanted = not in_diagnosis(view) or _names_one(command, verb)
    judged = wanted and command.is_last and command.depth == 0 and filled.static
    typed = _typed(command, verb, filled.texts[len(command.wrapper_words) :]) if filled.ready and operation else None
    draft = typed or CheckDraft("command", {"run": list(filled.texts)}, every="1d" if capabilities[0].startswith("security") else "")
    return Found(Fate.CHECK, capabilities, operation, (draft,) if judged else (), disposition, missing=filled.missing)


def _typed(command: ShellCommand, verb: str, texts: tuple[str, ...]) -> CheckDraft | None:
    """A check of kind ``kubernetes`` where it looks at one thing that the kind knows, or at all nodes: it judges what the table only shows.

    None for other things, for a whole namespace, for one field of an object, and for ``oc``, beside which there may be no kubectl.
    """
    written = dict(zip((word.filled for word in command.words), texts, strict=True))
    given = [written.get(word.filled, word.filled) for word in command.operands[2 if verb == "rollout" else 1 :]]
    form = command.option("-o", "--output")
    shown = form is None or form.filled.lstrip("=") in ("wide", "yaml", "json", "name")
    if command.name != "kubectl" or command.wrapper_words or command.has_flag(*_OTHER_PLACES) or not given or not shown:
        return None
    settings = _what(verb, given, command.option("-l", "--selector"))
    if settings is None:
        return None
    for key, flags in _PLACES.items():
        value = command.option(*flags)
        settings |= {key: written.get(value.filled, value.filled).lstrip("=")} if value is not None else {}
    named = "-".join(str(value) for key, value in settings.items() if key not in _PLACES and isinstance(value, str))
    return CheckDraft("kubernetes", settings, name=named or "nodes", every="1m")


def _what(verb: str, given: list[str], selector: Word | None) -> dict[str, Any] | None:
    kind, _, name = given[0].partition("/")
    name = name or (given[1] if len(given) == 2 else "")
    if len(given) > 2 or (len(given) == 2 and "/" in given[0]):
        return None
    what = _KINDS.get(kind.lower().partition(".")[0], "")
    if what == "nodes" and not name and selector is None:
        return {"nodes": True, **({"cpu": {}, "memory": {}} if verb == "top" else {})}
    if what == "pods" and not name and selector is not None:
        use: dict[str, Any] = {"cpu": {}, "memory": {}} if verb == "top" else {}
        return {"pods": selector.filled.lstrip("="), **use}
    if verb == "top" or selector is not None or what in ("", "nodes", "pods"):
        return None
    return {what: name} if name else {"claim": "*"} if what == "claim" else None


def _names_one(command: ShellCommand, verb: str) -> bool:
    """Whether it asks for one thing by its name: without it, it fails."""
    kinds = command.operands[2:] if verb == "rollout" else command.operands[1:]
    return len(kinds) == 2 or (len(kinds) == 1 and "/" in kinds[0].filled)


def _looks_at(view: View, command: ShellCommand, verb: str) -> tuple[str, ...]:
    kinds = " ".join(word.filled for word in command.operands[1:]).lower()
    if re.search(r"\bsecrets?\b", kinds):
        return "security.secrets", "check.kubernetes"
    if re.search(r"\b(?:roles?|rolebindings?|clusterrole\w*|serviceaccounts?|networkpolic\w+)\b", kinds):
        return "diagnostics", "security.permissions"
    if verb in ("top", "rollout") or re.search(r"\b(?:hpa|horizontalpodautoscaler|nodes?)\b", kinds):
        return "check.kubernetes", "diagnostics"
    if verb == "describe" or in_diagnosis(view) or re.search(r"incident|emergenc|critical|deployments? history", view.words):
        return "diagnostics", "check.kubernetes"
    return "check.kubernetes", "diagnostics"


def _logs(view: View, command: ShellCommand, operation: str) -> Found:
    searched = any(other.name in ("grep", "egrep", "awk", "jq") for other in command.pipeline)
    if to_file(command):
        return step(view, ("incident.evidence", "logs.analyse"), operation)
    capabilities = ("check.log", "diagnostics") if searched else ("diagnostics", "logs.analyse")
    return step(view, capabilities, operation, Fate.LOGS)


# --- commands that change something


def _purpose(view: View, command: ShellCommand, verb: str) -> tuple[str, ...]:
    second = _second(command)
    if verb == "rollout":
        return ("rollback", "runbook") if second == "undo" else ("runbook",)
    if verb == "adm":
        return ("incident.evidence", "diagnostics") if second in ("must-gather", "inspect", "node-logs") else ("runbook",)
    if verb == "create" and second == "secret":
        return ("keys.rotate", "security.secrets") if re.search(r"rotat|renew", view.words) else ("deploy", "security.secrets")
    if verb in ("patch", "set") and re.search(r"resources|limits|replicas|requests", command.text):
        return "scale", "tuning"
    return next((capabilities for verbs, capabilities in _CHANGES if verb in verbs), ("runbook",))


RECOGNISER = Recogniser(
    "kubectl",
    (Kind.COMMAND, Kind.ASSIGNMENT),
    _read,
    _PROGRAMS,
    order=40,
    example="""# Cluster
```bash
kubectl get deployment api -n shop
kubectl rollout restart deployment/api -n shop
kubectl delete pod <pod> -n shop
```
""",
)
