"""Reads a manual and writes what it became. Starts no process, opens no socket, overwrites nothing."""

import asyncio
import json
import stat
from pathlib import Path

from keepwell.kernel.problems import Place, UsageError

from .decide import import_manual
from .model import Imported

CONFIGURATION = "keepwell.yaml"
REPORT = "import-report.json"
_LARGEST = 1_000_000


async def import_file(manual: Path, folder: Path, every: str | None = None) -> Imported:
    """Imports a manual into a new operations directory. Raises UsageError where it cannot be read or the directory not be written."""
    check_empty(folder)
    text = await asyncio.to_thread(_read, manual)
    imported = await asyncio.to_thread(import_manual, text, manual.name, every)
    await write_import(imported, folder)
    return imported


async def write_import(imported: Imported, folder: Path) -> None:
    """Writes keepwell.yaml and import-report.json into the folder, which is made, or exists and is empty. Raises UsageError."""
    await asyncio.to_thread(_write, imported, folder)


def check_empty(folder: Path) -> None:
    """Raises UsageError unless the folder is absent or empty."""
    try:
        empty = not any(folder.iterdir())
    except FileNotFoundError:
        return  # it will be made
    except OSError as error:
        raise UsageError(f"{folder} cannot be used as a directory: {error.strerror}", hint="choose a new directory with -o") from None
    if not empty:
        raise UsageError(f"{folder} is not empty, and import never overwrites", hint="choose a new directory with -o")


def _read(manual: Path) -> str:
    try:
        with manual.open("rb") as file:
            if not stat.S_ISREG(manual.stat().st_mode):
                raise UsageError(f"{manual} is not a file")
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise UsageError(f"{manual} cannot be read: {error.strerror}") from None
    if len(data) > _LARGEST:
        raise UsageError(f"{manual} is larger than {_LARGEST // 1_000_000} MB", hint="divide it into manuals of their own")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        hint = f"byte {error.start + 1} is the first that is not; iconv -f ISO-8859-1 -t UTF-8 converts the usual case"
        raise UsageError(f"{manual} is not UTF-8", hint=hint, where=Place(str(manual), line)) from None


def _write(imported: Imported, folder: Path) -> None:
    report = json.dumps(imported.report(), indent=2) + "\n"  # in ASCII: whatever the manual held, the file cannot steer a terminal
    written: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        check_empty(folder)
        # The configuration comes last: where it stands, the import is whole.
        for name, text in ((REPORT, report), (CONFIGURATION, imported.yaml)):
            with (folder / name).open("x", encoding="utf-8", errors="backslashreplace") as file:
                written.append(folder / name)
                file.write(text)
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        raise UsageError(f"{folder} cannot be written: {error.strerror}") from None
