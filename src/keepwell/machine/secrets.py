"""Secrets of this machine: resolved anew each time, because they are rotated; their values are remembered only to be redacted."""

import os
import shlex
import stat
from collections.abc import Mapping

from keepwell.kernel.problems import AskError, KeepwellError
from keepwell.kernel.quoting import quoted
from keepwell.kernel.redaction import Redactor
from keepwell.ports.files import Files
from keepwell.ports.runner import Command, Runner

from .local_files import LocalFiles
from .local_runner import LocalRunner

TIMEOUT = 10.0
"""Seconds that a ``secret:command:`` may take."""
LARGEST = 64 * 1024
"""Bytes that a secret may have."""


class MachineSecrets:
    """Resolves ``secret:NAME`` (from ``environment``), ``secret:file:PATH`` and ``secret:command:PROGRAM ARGUMENTS`` (split as a shell
    would, run without one). Of a file and of a command's output one trailing line break is not part of the value.

    A file that other users may read is resolved all the same: refusing it would stop a check for a fault that is not the target's.
    ``warnings`` says so.
    """

    def __init__(self, environment: Mapping[str, str], runner: Runner | None = None, files: Files | None = None) -> None:
        self._environment = environment
        self._runner = runner or LocalRunner(None, environment)
        self._files = files or LocalFiles()
        self._redactor = Redactor(())
        self._values: set[str] = set()
        self._warnings: dict[str, str] = {}

    async def resolve(self, reference: str) -> str:
        """The value. Raises AskError (never with the value in its message) where it cannot be had or is empty."""
        scheme, _, name = reference.partition(":")
        if scheme != "secret" or not name:
            raise AskError(f"{quoted(reference)} is no secret: write secret:NAME, secret:file:PATH or secret:command:PROGRAM")
        kind, separator, rest = name.partition(":")
        if not separator:
            value = self._from_environment(name)
        elif kind == "file":
            value = await self._from_file(rest)
        elif kind == "command":
            value = await self._from_command(rest)
        else:
            raise AskError(f"secrets come from a variable, secret:file: or secret:command:, not from secret:{quoted(kind)[1:-1]}:")
        if value not in self._values:
            self._values.add(value)
            self._redactor = Redactor(self._values)
        return value

    def redact(self, text: str) -> str:
        """The text without the values resolved so far."""
        return self._redactor.redact(text)

    def redactor(self) -> Redactor:
        """Replaces every value that was resolved so far."""
        return self._redactor

    def warnings(self) -> tuple[str, ...]:
        """One sentence for each secret that is kept carelessly."""
        return tuple(self._warnings.values())

    def _from_environment(self, name: str) -> str:
        value = self._environment.get(name)
        if value is None:
            raise AskError(f"the secret {name} is not set in the environment")
        if not value:
            raise AskError(f"the secret {name} is empty in the environment")
        return value

    async def _from_file(self, path: str) -> str:
        if not path.startswith("/"):
            raise AskError(f"secret:file:{path} needs an absolute path")
        try:
            facts = await self._files.facts(path)
            content = await self._files.read(path, LARGEST + 1)
        except KeepwellError as error:
            raise AskError(f"the secret in a file cannot be had: {error}") from error
        self._warnings.pop(path, None)
        if facts.mode & (stat.S_IRGRP | stat.S_IROTH):
            self._warnings[path] = f"{path} holds a secret and can be read by others than its owner (mode {stat.S_IMODE(facts.mode):04o})"
        if len(content) > LARGEST:
            raise AskError(f"{path} is too long for a secret (more than {LARGEST} bytes)")
        try:
            return _value(content.decode(), path)
        except UnicodeDecodeError:
            raise AskError(f"the secret in {path} is not UTF-8 text") from None  # the cause would quote it

    async def _from_command(self, text: str) -> str:
        try:
            argv = tuple(shlex.split(text))
        except ValueError as error:
            raise AskError(f"the command of a secret cannot be split into words: {str(error).lower()}") from error
        if not argv:
            raise AskError("secret:command: names no program")
        program = os.path.basename(argv[0])
        result = await self._runner.run(Command(argv, timeout=TIMEOUT, output_limit=LARGEST))
        # What it printed stays out of every message: it may be the secret or a part of it.
        if result.timed_out:
            raise AskError(f"the secret's command {program} did not end within {TIMEOUT:g} s")
        if not result.succeeded:
            how = f"status {result.status}" if result.status is not None else f"signal {result.signal}"
            raise AskError(f"the secret's command {program} ended with {how}")
        if result.dropped[0]:
            raise AskError(f"the secret's command {program} printed more than {LARGEST} bytes")
        return _value(result.stdout, f"the output of {program}")


def _value(text: str, place: str) -> str:
    value = text.removesuffix("\n").removesuffix("\r")
    if not value:
        raise AskError(f"the secret in {place} is empty")
    return value
