"""The engine ``archive``: each copy is a tar archive, compressed with zstd, encrypted with age where recipients are set."""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from keepwell.config.options import Options, SecretReference
from keepwell.kernel.problems import AskError
from keepwell.kernel.quoting import quoted
from keepwell.rooms.backups.engine import Engine, Place


def _several(value: object) -> object:
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value


def _recipients(value: tuple[str, ...]) -> tuple[str, ...]:
    if any(one.startswith("AGE-SECRET-KEY-") for one in value):
        raise PydanticCustomError("recipient", "this is an identity, which is secret: expected its recipient, age1...")
    if value:
        from keepwell.rooms.backups.archive.sealing import recipients_of  # with libraries that only this needs

        try:
            recipients_of(value)
        except AskError as error:
            raise PydanticCustomError("recipient", "{why}", {"why": str(error)}) from None
    return value


class ArchiveOptions(Options):
    """A folder of this machine with an archive for each copy, its list of members, a signed manifest, and a text that says how to restore
    it by hand."""

    path: str = Field(min_length=1)
    """The folder, from the root. (s3:// and other machines are kept as they are written, and not run by this version.)"""
    age: Annotated[tuple[str, ...], BeforeValidator(_several), AfterValidator(_recipients)] = ()
    """Whom copies are encrypted for: recipients of age (age1...) or SSH's public keys, one or several. Without any they are not."""
    identity: SecretReference | None = None
    """The identity that opens encrypted copies (AGE-SECRET-KEY-1...). Without it copies are made, and cannot be proved here."""


def _place(options: ArchiveOptions) -> Place | str:
    if re.match(r"[a-z][a-z0-9+.-]*://|[^/]*:", options.path):
        return f"{quoted(options.path)} is on another machine: this version keeps archives in folders of this one"
    if not options.path.startswith("/"):
        return f"{quoted(options.path)} is no path from the root"
    return Place(options.path, options.age, options.identity or "")


DRIVER = Engine(
    summary="A folder of this machine: tar, zstd, and age where recipients are set; each copy can be restored by hand.",
    options=ArchiveOptions,
    place=_place,
    example="""\
repositories:
  here: {archive: {path: /var/backups/shop}}
""",
)
