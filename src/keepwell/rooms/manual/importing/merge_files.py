"""Merges an import into the files of a directory: each three ways, by what it is. Decides what changes, and writes none of it."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import unified_diff
from pathlib import Path

from keepwell.kernel.problems import ConfigurationError
from keepwell.rooms.manual.lint.redact import without_secrets

from .folder import Folder, open_folder
from .merge import merge_other, merge_text
from .merge_yaml import Clash, Merged, merge_yaml
from .result import CONFIGURATION

PROPOSED = ".proposed"
"""Behind the name of a file: what the import would have written where it could not be merged into the user's file."""
_CHECK = ".validate"
_PLACE = re.compile(r'(# from lines? |"line": "|^lines: "|, line )[\d, and-]*\d', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Change:
    """A file that is not as it was: its text before (None: there was none) and after (None: it goes)."""

    path: str
    before: str | None
    after: str | None

    def diff(self, *, moved: bool = True) -> Iterator[str]:
        """The lines of a unified diff, secrets left out; without ``moved``, where something stands in the manual is no difference."""
        texts = (text or "" for text in (self.before, self.after))
        before, after = ((text if moved else _PLACE.sub(r"\1…", text)).splitlines() for text in texts)
        old, new = ("/dev/null" if text is None else self.path for text in (self.before, self.after))
        return map(without_secrets, unified_diff(before, after, old, new, lineterm=""))


class Merging:
    """One import into one directory (None: it is new). ``valid`` raises ConfigurationError where a directory is not valid."""

    def __init__(self, folder: Folder | None, valid: Callable[[Path], object] | None = None) -> None:
        self._folder = folder
        self._valid = valid
        self.changes: list[Change] = []
        self.clashes: list[Clash] = []

    def merge(self, base: Mapping[str, str], theirs: Mapping[str, str]) -> None:
        """Every file that the last import (``base``) or this one (``theirs``) wrote."""
        for path in sorted({*base, *theirs}):
            mine = self._read(path)
            if mine is None:
                self._absent(path, base.get(path), theirs.get(path))
            elif path not in theirs:
                self._gone(path, base[path], mine)
            else:
                self._both(path, base.get(path), mine, theirs[path])

    def note(self, path: str, before: str | None, after: str | None) -> None:
        """A file changes, where it does."""
        if before != after:
            self.changes.append(Change(path, before, after))

    def _read(self, path: str) -> str | None:
        return self._folder.read(path) if self._folder else None

    def _absent(self, path: str, base: str | None, theirs: str | None) -> None:
        """The user does not have it: it is new, or they removed it, and then it stays removed (but there is no directory without its
        configuration)."""
        if theirs is not None and (base is None or path == CONFIGURATION):
            self.note(path, None, theirs)

    def _gone(self, path: str, base: str, mine: str) -> None:
        """The manual does not give it any more: it goes, unless the user changed it."""
        if mine == base:
            self.note(path, mine, None)
        else:
            self.clashes.append(Clash("", "the whole file, which you changed", "", file=path))

    def _both(self, path: str, base: str | None, mine: str, theirs: str) -> None:
        # An editor of another system ends lines otherwise: that is no change, and stays so.
        with_returns = "\r\n" in mine
        plain = mine.replace("\r\n", "\n") if with_returns else mine
        merged = self.merge_file(path, base, plain, theirs)
        if with_returns:
            merged = replace(merged, text=mine if merged.text == plain else merged.text.replace("\n", "\r\n"))
        self.clashes += [replace(clash, file=path) for clash in merged.clashes]
        self.note(path, mine, merged.text)
        self.note(path + PROPOSED, self._read(path + PROPOSED), merged.proposed or None)

    def merge_file(self, path: str, base: str | None, mine: str, theirs: str) -> Merged:
        """One file. A configuration that was valid is so afterwards."""
        if path.endswith(".md"):
            return merge_text(base, mine, theirs)
        if path != CONFIGURATION:
            return merge_other(base, mine, theirs)
        merged = merge_yaml(base, mine, theirs)
        if merged.text in (mine, theirs) or self._is_valid(merged.text) or not self._is_valid(mine):
            return merged
        # Two changes, each sound by itself, that do not go together: then entries are taken whole, and if need be the user's file.
        merged = merge_yaml(base, mine, theirs, careful=True)
        if self._is_valid(merged.text):
            return merged
        return Merged(mine, (Clash("", "the whole file", "the new one is beside it"),), proposed=theirs)

    def _is_valid(self, text: str) -> bool:
        """Whether the text is a valid configuration: it is looked at inside the directory, in a folder that goes at once."""
        if self._valid is None or self._folder is None:
            return True
        with open_folder(self._folder.path, make=False, lock=False) as folder:
            folder.make_private(_CHECK)
            try:
                folder.write(f"{_CHECK}/{CONFIGURATION}", text)
                self._valid(self._folder.path / _CHECK)
            except ConfigurationError:
                return False
            finally:
                folder.remove(f"{_CHECK}/{CONFIGURATION}")
                folder.remove_folder(_CHECK)
        return True
