"""Commands that do not end by themselves, and what to write so that they do. Shared by the rules on unattended work. Pure."""

import re

from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand

_FOLLOW = ("-f", "--follow")
_INTERVAL = re.compile(r"\d+(s|ms)?")
_ENDS_THE_PIPE = frozenset(("head",))


def endless(command: ShellCommand) -> tuple[str, str]:
    """Why it never ends, and what to write instead; both empty for a command that ends."""
    if command.background or "timeout" in command.wrappers or any(_ends_early(part) for part in command.pipeline):
        return "", ""
    name, words = command.name, [word.filled for word in command.arguments]
    if name in ("ping", "ping6") and not command.has_flag("-c", "-w", "--count"):
        return "ping goes on until it is interrupted", "ping -c 3"
    if name in ("docker", "podman") and words[:1] == ["stats"] and "--no-stream" not in words:
        return f"{name} stats shows a picture that is renewed until it is interrupted", f"{name} stats --no-stream"
    if name == "tail" and command.has_flag("-f", "-F", "--follow") and not command.has_flag("--pid"):
        return "tail -f follows the file for ever", "tail -n 100"
    if name == "journalctl" and command.has_flag(*_FOLLOW):
        return "journalctl -f follows the journal for ever", "journalctl --since '1 hour ago' --no-pager"
    if _follows_logs(name, words):
        return f"{name} logs -f follows the log for ever", f"{name} logs --tail=100"
    if _compose_in_front(name, words):
        return "docker compose up without -d stays in front of the terminal", "docker compose up -d"
    if name == "watch" and not command.has_flag("-g", "--chgexit", "--help"):
        return "watch repeats its command until it is interrupted", "the command itself, once"
    if name in ("kubectl", "oc"):
        return _kubernetes(command, words)
    if name in ("vmstat", "iostat", "mpstat", "sar", "jstat", "pidstat"):
        return _samples(command)
    return "", ""


def _ends_early(part: ShellCommand) -> bool:
    return (
        part.name in _ENDS_THE_PIPE
        or (part.name == "read" and "while" in part.loops)
        or (part.name == "grep" and part.has_flag("-m", "--max-count", "-q"))
    )


def _follows_logs(name: str, words: list[str]) -> bool:
    """``docker logs -f``, ``docker compose -f x.yml logs -f``, ``kubectl logs -f``: the -f behind the word logs."""
    if name not in ("docker", "docker-compose", "podman", "kubectl", "oc") or "logs" not in words:
        return False
    after = words[words.index("logs") + 1 :]
    if any(word.startswith(("job/", "jobs/", "bc/", "build/")) for word in after):
        return False  # ends with the job
    return any(word == "--follow" or re.fullmatch(r"-[a-zA-Z]*f[a-zA-Z]*", word) for word in after)


def _compose_in_front(name: str, words: list[str]) -> bool:
    if "up" not in words or not (name == "docker-compose" or (name == "docker" and words[:1] == ["compose"])):
        return False
    ends = ("-d", "--detach", "--wait", "--no-start", "--abort-on-container-exit", "--exit-code-from", "--help")
    return not any(word in ends or word.startswith("--exit-code-from=") for word in words)


def _kubernetes(command: ShellCommand, words: list[str]) -> tuple[str, str]:
    verb = command.subcommand
    if verb == "get" and any(word in ("-w", "--watch", "--watch-only", "--watch=true") for word in words):
        return f"{command.name} get -w waits for changes for ever", f"{command.name} wait --for=... --timeout=60s"
    if verb in ("port-forward", "proxy"):
        return f"{command.name} {verb} runs until it is interrupted", f"{command.name} {verb} ... & and end it afterwards"
    return "", ""


def _samples(command: ShellCommand) -> tuple[str, str]:
    """Programs that sample each interval: without a count for ever."""
    numbers = [word.filled for word in command.operands if _INTERVAL.fullmatch(word.filled)]
    alone = numbers[:1] if command.name == "jstat" and not command.operands[0].filled.isdigit() else numbers
    if len(alone) == 1:
        return f"{command.name} with an interval and no count goes on until it is interrupted", f"{command.name} ... {alone[0]} 5"
    return "", ""


def followed(script: Script, command: ShellCommand) -> ShellCommand | None:
    """The next command of the script that has to wait for it."""
    last = max((command.index, *command.pipeline_at))
    return next(
        (other for other in script.commands[last + 1 :] if other.depth <= command.depth and other.name and other.name != "exit"), None
    )
