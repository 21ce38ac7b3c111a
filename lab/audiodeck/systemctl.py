"""systemctl(1) and journalctl(1) as far as AudioDeck's manual calls them, answered by AudioDeck's own manager over its socket.

Copied below the laboratory's root and run there by itself, with nothing but the standard library.
"""

import json
import os
import socket
import sys
from pathlib import Path

_CHANGES = ("start", "stop", "restart", "reload", "enable", "disable", "daemon-reload")
_GIVEN_VALUE = ("-u", "--unit", "--since", "--until", "-n", "--lines")


def ask(verb: str, unit: str) -> dict[str, object]:
    """The manager's answer. Its socket is reached through its folder, because the whole path may be too long for one."""
    folder = os.open(Path(__file__).resolve().parents[1] / "run", os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as asked:
        asked.settimeout(60)
        asked.connect(f"/proc/self/fd/{folder}/manager.sock")
        asked.sendall(json.dumps({"do": verb, "unit": unit}).encode() + b"\n")
        answer = b"".join(iter(lambda: asked.recv(65536), b""))
    return dict(json.loads(answer))


def split(arguments: list[str]) -> tuple[list[str], dict[str, str]]:
    """Words, and options with their values."""
    words: list[str] = []
    options: dict[str, str] = {}
    rest = iter(arguments)
    for word in rest:
        if word in _GIVEN_VALUE:
            options[word] = next(rest, "")
        elif word.startswith("-"):
            name, _, value = word.partition("=")
            options[name] = value
        else:
            words.append(word)
    return words, options


def control(words: list[str], options: dict[str, str]) -> int:
    """systemctl."""
    verb, unit = words[0] if words else "list-units", (words[1] if len(words) > 1 else "").removesuffix(".service")
    state = ask(verb if verb in _CHANGES else "state", unit)
    if "problem" in state:
        print(state["problem"], file=sys.stderr)
        return 5 if verb != "is-active" else 4
    shown = dict(state["properties"])  # type: ignore[call-overload]
    active = shown["ActiveState"]
    if verb == "is-active":
        print(active)
    elif verb == "status":
        print(f"{shown['Id']} - {shown['Description']}\n     Active: {active} ({shown['SubState']})\n   Main PID: {shown['MainPID']}\n")
        print(state["output"])
    elif verb == "show":
        wanted = [name for name in options.get("--property", options.get("-p", "")).split(",") if name]
        print("\n".join(f"{name}={shown[name]}" for name in (wanted or shown) if name in shown))
    elif verb == "list-units" and active == "failed":
        print(f"{shown['Id']} loaded failed failed {shown['Description']}")
    return 3 if verb in ("is-active", "status") and active != "active" else 0


def main() -> int:
    """The program that its name says."""
    words, options = split(sys.argv[1:])
    try:
        if Path(sys.argv[0]).name == "journalctl":
            print(ask("state", options.get("-u", options.get("--unit", "")).removesuffix(".service")).get("output", ""))
            return 0
        return control(words, options)
    except OSError as error:
        print(f"Failed to connect to bus: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
