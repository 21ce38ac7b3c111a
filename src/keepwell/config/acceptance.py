"""What a person accepted: ``accepted.yaml`` in the operations directory.

A command, a script or an SQL text runs only when this file holds the digest of its exact text together with its name, resolved target,
host and user. Beside the digest the file repeats what was accepted, for the reader and to say what changed since; an entry whose
digest does not belong to what stands beside it makes the whole file invalid.
"""

import fcntl
import json
import os
import re
import stat
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from keepwell.kernel.problems import ConfigurationError, Place, Problem
from keepwell.kernel.quoting import quoted

from . import nodes
from .executables import Acceptance, Acceptances, Executable
from .findings import Findings
from .yaml_reader import Document, read_yaml

__all__ = ["Acceptance", "Acceptances", "Executable", "accept_in", "read_acceptances", "write_acceptances"]

FILE = "accepted.yaml"
_HEADER = """\
# What may run here. "keepwell accept" writes this file: each entry holds the SHA-256 digest of a text with its
# name, target, host and user. Whatever changes since then waits until a person accepts it anew.
# Do not edit entries; remove one to revoke it.
accepted: 1
"""
_LOCK_SECONDS = 5.0


# --- reading -----------------------------------------------------------------------------------------------------------------


def read_acceptances(directory: Path) -> Acceptances:
    """What is accepted; nothing where there is no file.

    Raises ConfigurationError with every problem where the file is there and is not, to the letter, what ``accept_in`` writes.
    """
    path = directory / FILE
    try:
        mode = path.stat().st_mode
        fingerprint = _fingerprint(path)
    except FileNotFoundError:
        return Acceptances()
    except OSError:
        mode, fingerprint = 0, None  # reading it says why
    document = read_yaml(path)
    by_name = _Reading(document.findings).acceptances(document)
    if document.findings.found:
        raise document.findings.stop()
    warnings = []
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        others = "others" if mode & stat.S_IWOTH else "its group"
        message = f"{path} may be written by {others}, who could accept commands"
        warnings.append(Problem("acceptance.writable", message, f"chmod go-w {path}", Place(str(path))))
    return Acceptances(by_name, tuple(warnings), fingerprint)


def _fingerprint(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return sha256(file.read(10_000_001)).hexdigest()
    except FileNotFoundError:
        return None


@dataclass(slots=True)
class _Reading:
    """Turns the nodes of accepted.yaml into acceptances, strictly."""

    findings: Findings

    def acceptances(self, document: Document) -> dict[str, Acceptance]:
        root = document.root
        if not isinstance(root, nodes.Mapping):
            self._refuse("this is not what Keepwell writes here", root)
            return {}
        for key, _ in root.items.values():
            if key.text not in ("accepted", "texts"):
                self._refuse(f"{quoted(key.text)} is not a key that is known here", key)
        version = root.child("accepted")
        if not isinstance(version, nodes.Scalar) or type(version.value) is not int or version.value != 1:
            self._refuse("the format of this file is not 1", version or root)
        texts = root.child("texts")
        if texts is None or (isinstance(texts, nodes.Scalar) and texts.value is None):
            return {}
        if not isinstance(texts, nodes.Mapping):
            self._refuse("expected the name of each text", texts)
            return {}
        found = {name: self._acceptance(key, node) for name, (key, node) in texts.items.items()}
        return {name: acceptance for name, acceptance in found.items() if acceptance}

    def _acceptance(self, key: nodes.Scalar, node: nodes.Node) -> Acceptance | None:
        values = self._texts(key, node)
        if values is None:
            return None
        executable = Executable(key.text, values["text"], values["target"], values["host"], values["user"])
        if values["sha256"] != executable.digest:
            self._refuse(f"the digest of {quoted(key.text)} does not belong to what stands beside it", key)
        if not values["by"] or not values["by"].isprintable():
            self._refuse(f"nobody is named who accepted {quoted(key.text)}", key)
        try:
            return Acceptance(executable, values["by"], datetime.fromisoformat(values["at"]))
        except ValueError:
            self._refuse(f"{quoted(values['at'])} is no instant in ISO 8601 with a zone", key)
            return None

    def _texts(self, key: nodes.Scalar, node: nodes.Node) -> dict[str, str] | None:
        children = node.items if isinstance(node, nodes.Mapping) else {}
        values = {name: value.value for name, (_, value) in children.items() if isinstance(value, nodes.Scalar)}
        texts = {name: value for name, value in values.items() if isinstance(value, str)}
        if set(texts) != set(_KEYS) or set(children) != set(_KEYS):
            self._refuse(f"{quoted(key.text)} does not have the keys {', '.join(_KEYS)}, each a text", key)
            return None
        return texts

    def _refuse(self, message: str, node: nodes.Node | None) -> None:
        hint = "remove what is wrong; then keepwell accept reads every text anew"
        self.findings.add("acceptance.damaged", message, node, hint)


_KEYS = ("sha256", "host", "user", "target", "by", "at", "text")


# --- writing -----------------------------------------------------------------------------------------------------------------


def accept_in(directory: Path, executables: Iterable[Executable], by: str, at: datetime) -> Acceptances:
    """Adds acceptances to the file, keeping what others accepted meanwhile; gives all of them.

    Raises ConfigurationError where the file is damaged, changes meanwhile, or cannot be written.
    """
    added = [Acceptance(executable, by, at) for executable in executables]
    with _locked(directory):
        return _write(directory, read_acceptances(directory).including(added))


def write_acceptances(directory: Path, acceptances: Acceptances) -> Acceptances:
    """Makes the file hold exactly these; gives them as they can be written again.

    Raises ConfigurationError where the file is no longer the one that these were read from, or cannot be written.
    """
    with _locked(directory):
        return _write(directory, acceptances)


def _write(directory: Path, acceptances: Acceptances) -> Acceptances:
    path = (directory / FILE).resolve()
    data = _rendered(acceptances).encode("utf-8", "surrogatepass")
    temporary: str | None = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{FILE}.", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            _keep_owner_and_mode(path, file.fileno())
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _check_readable(Path(temporary), acceptances)
        if _fingerprint(path) != acceptances.fingerprint:
            hint = "read what is in it now, and accept again"
            raise ConfigurationError(Problem("acceptance.changed", f"{path} changed meanwhile", hint, Place(str(path))))
        os.replace(temporary, path)
        temporary = None
        _sync_directory(path.parent)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror or error}", where=Place(str(path))) from error
    finally:
        if temporary is not None:
            with suppress(OSError):
                os.unlink(temporary)
    return Acceptances(acceptances.by_name, acceptances.warnings, sha256(data).hexdigest())


def _keep_owner_and_mode(path: Path, handle: int) -> None:
    try:
        before = path.stat()
    except FileNotFoundError:
        os.fchmod(handle, 0o644)
        return
    with suppress(PermissionError):  # only root may give a file away
        os.fchown(handle, before.st_uid, before.st_gid)
    os.fchmod(handle, stat.S_IMODE(before.st_mode))


def _check_readable(temporary: Path, acceptances: Acceptances) -> None:
    """What YAML cannot hold must not become an acceptance of something else: read back, it is the same."""
    document = read_yaml(temporary)
    if _Reading(document.findings).acceptances(document) != dict(acceptances.by_name) or document.findings.found:
        raise ConfigurationError("a text to be accepted has characters that YAML cannot hold", hint="remove them from the text")


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Holds the directory's advisory lock (flock(2)), for which others wait up to five seconds."""
    try:
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise ConfigurationError(f"{directory} cannot be opened: {error.strerror}", where=Place(str(directory))) from error
    try:
        _wait_for_lock(handle, directory)
        yield
    finally:
        os.close(handle)


def _wait_for_lock(handle: int, directory: Path) -> None:
    end = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                message = f"another program holds the lock of {directory}"
                raise ConfigurationError(message, hint="let it end, and accept again", where=Place(str(directory))) from None
            time.sleep(0.02)


def _rendered(acceptances: Acceptances) -> str:
    lines = [_HEADER]
    if acceptances.by_name:
        lines.append("texts:\n")
    for name, acceptance in sorted(acceptances.by_name.items()):
        executable = acceptance.executable
        values = {
            "sha256": acceptance.digest,
            "host": executable.host,
            "user": executable.user,
            "target": executable.target,
            "by": acceptance.by,
            "at": acceptance.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        }
        lines.append(f"  {_in_quotes(name)}:\n")
        lines += [f"    {key}: {_in_quotes(value)}\n" for key, value in values.items()]
        lines.append(f"    text: {_text(executable.text)}\n")
    return "".join(lines)


def _in_quotes(text: str) -> str:
    """A double-quoted YAML scalar: what JSON writes in ASCII, except that YAML takes no pairs of surrogates (YAML 1.2.2, section 5.7)."""
    return re.sub(
        r"\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}",
        lambda pair: f"\\U{ord(json.loads(chr(34) + pair[0] + chr(34))):08x}",
        json.dumps(text),
    )


def _text(text: str) -> str:
    """A script as a literal block, so that a person can read it; quoted where a block could not hold it exactly."""
    lines = text.split("\n")
    readable = len(lines) > 1 and lines[0] and text.replace("\n", "").replace("\t", "").isprintable()
    if not readable or not text.strip():
        return _in_quotes(text)
    ending = "+" if text.endswith("\n") else "-"
    body = "\n".join(f"      {line}" if line else "" for line in lines)
    return f"|2{ending}\n{body}".removesuffix("\n") if ending == "+" else f"|2{ending}\n{body}"
