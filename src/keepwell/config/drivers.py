"""Finds the drivers of a folder: each module is one kind, and other packages add theirs by entry points."""

import importlib
import importlib.util
import pkgutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING, Any

from keepwell.kernel.problems import ConfigurationError, NotFound
from keepwell.kernel.quoting import quoted

from .nearest import nearest

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


@dataclass(slots=True)
class FolderDrivers:
    """The drivers in a package's folder and in an entry point group. A module is imported when its driver is loaded, not before.

    A module whose name begins with an underscore is no driver. The folder comes first where both have a kind. Entry points are
    looked for only when the folder does not have what is asked for, since that reads the metadata of every installed package.
    """

    package: str
    entry_points: str
    _folder: frozenset[str] | None = field(default=None, repr=False)
    _others: Mapping[str, "EntryPoint"] | None = field(default=None, repr=False)

    def names(self) -> Sequence[str]:
        """Every kind there is, sorted."""
        return sorted(self._in_folder() | self._elsewhere().keys())

    def load(self, name: str) -> Any:
        """The ``DRIVER`` of that kind.

        Raises NotFound where there is none, and ConfigurationError where another package's driver cannot be imported.
        """
        if name in self._in_folder():
            return importlib.import_module(f"{self.package}.{name}").DRIVER
        entry_point = self._elsewhere().get(name)
        if entry_point is None:
            near = nearest(name, self.names())
            hint = f"did you mean {quoted(near)}?" if near else f"what there is: {', '.join(self.names())}"
            raise NotFound(f"there is no kind {quoted(name)}", hint=hint)
        try:
            loaded = entry_point.load()
            return getattr(loaded, "DRIVER", loaded)
        except Exception as error:
            message = f"the kind {quoted(name)} of {entry_point.value} cannot be loaded: {type(error).__name__}: {error}"
            raise ConfigurationError(message, hint="mend or remove the package that brings it") from error

    def _in_folder(self) -> frozenset[str]:
        if self._folder is None:
            spec: ModuleSpec | None = importlib.util.find_spec(self.package)
            places = spec.submodule_search_locations if spec else None
            self._folder = frozenset(module.name for module in pkgutil.iter_modules(places or []) if not module.name.startswith("_"))
        return self._folder

    def _elsewhere(self) -> Mapping[str, "EntryPoint"]:
        if self._others is None:
            from importlib.metadata import entry_points

            self._others = {found.name: found for found in entry_points(group=self.entry_points)}
        return self._others
