"""The AWS command line and its like for buckets (mc, gsutil, s3cmd, rclone): what is listed, copied, rotated, scaled (their manuals)."""

import re
from collections.abc import Collection
from dataclasses import replace

from keepwell.rooms.manual.importing.backup_words import backup, in_backup_place, is_backup_place, is_restore, name_of, place_of, repository
from keepwell.rooms.manual.importing.client_words import first_named, only, options, plain_words, run_of, spine, wanting, written
from keepwell.rooms.manual.importing.model import CheckDraft, Disposition, Draft, Fate, Found, Recogniser, View
from keepwell.rooms.manual.importing.names import slug
from keepwell.rooms.manual.importing.purposes import purposes
from keepwell.rooms.manual.reading.model import Kind
from keepwell.rooms.manual.reading.shell_model import ShellCommand, Word

_PROGRAMS = ("aws", "mc", "gsutil", "s3cmd", "rclone")
_COMMON = options(
    "--region --profile --output --query --endpoint-url --no-cli-pager --no-paginate --no-verify-ssl --color --debug --no-sign-request"
)
_FLAGS = {
    "ls": options("--recursive --human-readable --summarize -l -r -h -lh --page-size --request-payer"),
    "cp": options(
        "--recursive --exclude --include --storage-class --sse --sse-kms-key-id --acl --quiet --only-show-errors "
        "--no-progress --expected-size -r -m"
    ),
    "sync": options(
        "--delete --exclude --include --storage-class --sse --sse-kms-key-id --acl --quiet --only-show-errors "
        "--no-progress --size-only -r -d -m"
    ),
    "rm": options("--recursive --exclude --include --quiet -r"),
}
_FLAGS["mv"] = _FLAGS["cp"]
_SAME = {
    "copy": "cp",
    "mirror": "sync",
    "rsync": "sync",
    "lsl": "ls",
    "lsf": "ls",
    "lsd": "ls",
    "size": "ls",
    "du": "ls",
    "put": "cp",
    "get": "cp",
    "delete": "rm",
}
_READS = re.compile(r"^(?:get|list|describe|head)(?:-|$)")
_KEEPS_QUIET = re.compile(r"secret|password|token|credential|parameter|authorization|get-object$|presign")
"""Calls whose answer nobody should see, or which write it to a file."""
_SERVICES = (
    (r"^iam\.(?:\w+-access-key|\w+-login-profile|\w+-ssh-public-key)|^secretsmanager\.|^kms\.", "keys.rotate"),
    (r"^iam\.|^sts\.", "security.accounts"),
    (r"^rds\.(?:create-db-snapshot|copy-db-snapshot)|^ec2\.create-snapshot|^backup\.start-backup", "backup.database"),
    (r"^rds\.restore|^backup\.start-restore", "restore.database"),
    (r"^rds\.(?:promote|failover)|^route53\.change|^elasticache\.test-failover", "failover"),
    (r"^rds\.|^autoscaling\.|^application-autoscaling\.|^(?:ecs|eks|elasticache|ec2)\.(?:modify|update|run|create|start|stop)", "scale"),
    (r"^cloudwatch\.|^logs\.", "metric"),
    (r"^sns\.|^ses\w*\.", "notify"),
    (r"^acm\.", "security.certificates"),
    (r"^wafv?2?\.|^ec2\.\w+-security-group", "security.network"),
    (r"^lambda\.|^ecs\.|^cloudformation\.|^deploy\.|^codedeploy\.", "deploy"),
)  # fmt: skip


def _read(view: View) -> Found | None:
    command = first_named(view, *_PROGRAMS)
    if command is None or not command.operands:
        return None
    words = list(command.operands)
    service = words.pop(0).filled if command.name == "aws" and words else "s3"
    verb = words.pop(0).filled if words else ""
    verb = _SAME.get(verb, verb)
    if service in ("s3", "s3api"):
        return _bucket(view, command, verb, words)
    return _service(view, command, f"{service}.{verb}")


def _understood(view: View, command: ShellCommand, flags: Collection[str]) -> bool:
    return (
        only(command, [*_COMMON, *flags])
        and plain_words(view)
        and all(part.name in (*_PROGRAMS, "tee", "wc", "tail", "head", "sort") for part in spine(view))
    )


def _service(view: View, command: ShellCommand, call: str) -> Found:
    """Any other service: its options are named one by one and each takes its value, so a call is understood where all are written so."""
    capability = next((word for pattern, word in _SERVICES if re.search(pattern, call)), "")
    named = all(flag.startswith("--") for flag in command.flags) and plain_words(view) and len(spine(view)) == 1
    looks = bool(_READS.match(call.partition(".")[2])) and not _KEEPS_QUIET.search(call) and named
    said = purposes(view)[0]
    capabilities = tuple(dict.fromkeys(word for word in (capability, "diagnostics" if looks else "", said) if word))[:2]
    found = Found(Fate.STEP, capabilities, f"aws.{call}" if named else "")
    return _checked(view, command, replace(found, fate=Fate.CHECK)) if looks and "diagnostics" not in said else found


def _bucket(view: View, command: ShellCommand, verb: str, words: list[Word]) -> Found:
    if verb == "ls" or (_READS.match(verb) and not _KEEPS_QUIET.search(verb)):
        return _looks(view, command, verb)
    operation = f"s3.{verb}" if verb in _FLAGS and _understood(view, command, _FLAGS[verb]) else ""
    if verb in ("cp", "sync", "mv") and len(words) >= 2:
        return _copies(view, words[0], words[-1], replace(Found(Fate.STEP), operation=operation), command)
    if verb in ("rm", "rb"):
        pruned = any(is_backup_place(view, word) for word in words)
        return Found(Fate.BACKUP if pruned else Fate.STEP, ("backup.retention",) if pruned else ("cleanup", purposes(view)[0]), operation)
    named = all(flag.startswith("--") for flag in command.flags) and command.name == "aws"
    capability = "keys.rotate" if "encryption" in verb else "backup.retention" if "lifecycle" in verb or "versioning" in verb else "change"
    return Found(Fate.STEP, (capability,), f"s3.{verb}" if named and plain_words(view) and verb else "")


def _looks(view: View, command: ShellCommand, verb: str) -> Found:
    flags = _FLAGS["ls"] if verb == "ls" else [flag for flag in command.flags if flag.startswith("--")]
    operation = f"s3.{verb}" if _understood(view, command, flags) else ""
    near = f"{view.comment} {view.title}".lower()
    saved = any(part.of_output and not part.discards for one in spine(view) for part in one.redirections)
    if in_backup_place(command.text) or (saved and in_backup_place(view.words)):
        return Found(Fate.BACKUP, ("backup.verify", "check.s3"), operation)
    if saved or verb.startswith("list-object") or command.has_flag("--summarize"):
        wide = re.search(r"usage|cost|capacity|growth|size", near)
        return Found(Fate.STEP, ("capacity" if wide else "report", "check.s3"), operation)
    found = Found(Fate.CHECK, ("check.s3", "diagnostics"), operation)
    return _checked(view, command, found)


def _checked(view: View, command: ShellCommand, found: Found) -> Found:
    missing = wanting(view)
    if missing:
        return replace(found, disposition=Disposition.MISSING, missing=missing)
    settings = run_of(view, command) if found.operation else None
    if settings is None or len(spine(view)) > 1:
        return replace(found, fate=Fate.STEP)
    return replace(found, drafts=(CheckDraft("command", settings, name=slug(f"{found.operation or 'aws'}")),))


def _copies(view: View, source: Word, target: Word, found: Found, command: ShellCommand) -> Found:
    """A copy to a place for copies is a backup; one out of it brings something back."""
    start, end = written(view, source), written(view, target)
    away, home = _remote(end), _remote(start)
    if home and not away and (is_restore(view) or in_backup_place(start)):
        return replace(found, capabilities=("restore.database" if ".sql" in start else "restore.files",))
    if not away or not (in_backup_place(f"{start} {end}") or is_backup_place(view, source) or in_backup_place(view.words)):
        return replace(found, capabilities=(purposes(view)[0], "deploy"))
    missing = wanting(view)
    exclude = [written(view, word) for word in command.options("--exclude")]
    drafts: tuple[Draft, ...] = ()
    if home and not missing:
        value = {"object_store": {"from": start, **({"exclude": exclude} if exclude else {})}}
        drafts = backup(view, slug(start.partition("://")[2]), value, end.rstrip("/"))
    elif not missing:
        drafts = repository(end.rstrip("/") if end.endswith("/") else place_of(end))[1]
    fate = replace(found, fate=Fate.BACKUP, capabilities=("backup.object_store",) if home else ("backup.offsite",), drafts=drafts)
    return replace(fate, reason=f"a second place for {name_of(start)}") if not home and name_of(start) else fate


def _remote(text: str) -> bool:
    return bool(re.match(r"(?:s3|gs|gcs|b2|az)://|\w[\w-]*:[^/\\]", text))


RECOGNISER = Recogniser(
    name="aws",
    kinds=(Kind.COMMAND, Kind.ASSIGNMENT),
    programs=_PROGRAMS,
    read=_read,
    example="""# Shop

```bash
aws s3 ls s3://shop-images
aws s3 sync s3://shop-images s3://shop-images-backup
```
""",
)
