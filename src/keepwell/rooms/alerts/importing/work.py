"""Reads Alertmanager's file and writes keepwell.yaml."""

from collections.abc import Callable
from pathlib import Path

from keepwell.kernel.problems import UsageError
from keepwell.ports.offer import Drivers

from .decide import import_alertmanager
from .model import Imported
from .valid import problems_by

LARGEST = 10_000_000
_NAME = "keepwell.yaml"


def import_file(path: Path, service: str, drivers: Drivers, *, newer: bool) -> Imported:
    """What a file becomes. Raises UsageError where it cannot be read, ConfigurationError with every problem in it."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if len(data) > LARGEST:
        raise UsageError(f"{path} is too large: at most {LARGEST} bytes are read", hint="Is this the right file?")
    return import_alertmanager(data, str(path), service, problems_by(drivers), newer=newer)


def write(folder: Path, imported: Imported, valid: Callable[[Path], object]) -> None:
    """Writes the configuration into a folder that has none. ``valid`` raises ConfigurationError where a directory is not. Raises that,
    and UsageError."""
    target = folder / _NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with target.open("x", encoding="utf-8") as file:
            file.write(imported.text)
    except FileExistsError:
        hint = "write to another directory, and take the sections over from there"
        raise UsageError(f"{target} exists already, and is not written over", hint=hint) from None
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror or error}") from error
    valid(folder)
