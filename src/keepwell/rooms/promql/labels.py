"""Labels of a series, which every operator looks up again and again."""

from collections.abc import Collection, Iterable

from keepwell.ports.samples import NAME

Key = tuple[tuple[str, str], ...]
"""Labels as something that can be looked up."""

_METADATA = (NAME, "__type__", "__unit__")


class Labels(dict[str, str]):
    """A series' labels, its name among them as ``__name__``. Never changed once they are made: what is computed from them is kept."""

    __slots__ = ("_key", "_nameless", "_unnamed")

    _key: Key
    _nameless: "Labels"
    _unnamed: "Labels"

    @property
    def key(self) -> Key:
        """The labels to look up by."""
        try:
            return self._key
        except AttributeError:
            self._key = tuple(sorted(self.items()))
            return self._key

    @property
    def nameless(self) -> "Labels":
        """The labels but for the name, and for the type and unit that go with it (Prometheus' type and unit labels)."""
        try:
            return self._nameless
        except AttributeError:
            self._nameless = self.without(_METADATA)
            return self._nameless

    @property
    def unnamed(self) -> "Labels":
        """The labels but for the name alone: by these, series meet each other."""
        try:
            return self._unnamed
        except AttributeError:
            self._unnamed = self.without((NAME,))
            return self._unnamed

    def without(self, names: Collection[str]) -> "Labels":
        """The labels but for these; the same object where it has none of them."""
        if not names:
            return self
        dropped = [name for name in names if name in self]
        if not dropped:
            return self
        return Labels((name, value) for name, value in self.items() if name not in dropped)

    def only(self, names: Iterable[str]) -> "Labels":
        """Those of the labels that are named."""
        return Labels((name, self[name]) for name in names if name in self)

    def having(self, name: str, value: str) -> "Labels":
        """The labels with one set anew; an empty value is none."""
        changed = Labels(self)
        changed.pop(name, None)
        if value:
            changed[name] = value
        return changed

    def __str__(self) -> str:
        return "{" + ", ".join(f'{name}="{value}"' for name, value in self.key) + "}"
