"""An operations directory as frozen values: ``keepwell.yaml`` read, decoded by the sections that rooms declare, and checked as a whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keepwell.kernel.problems import ConfigurationError, Place
from keepwell.kernel.quoting import quoted
from keepwell.ports.offer import Section

from . import nodes
from .decoding import Decoder, Entry, Listed
from .findings import Findings
from .model_errors import found, unknown_key
from .references import check_references
from .yaml_reader import read_yaml

FILE = "keepwell.yaml"
FORMAT = 1
_LONGEST_SERVICE = 100


@dataclass(frozen=True, slots=True)
class Operations:
    """A valid operations directory.

    ``values`` has, for the key of every section that was handed to ``load``: the section's options, or where the section is named a
    dictionary of its entries in the order of the file (empty where the section is absent); where it is a list, a tuple of ``Listed``.
    ``sources`` are the files that were read.
    """

    directory: Path
    service: str
    values: Mapping[str, Any]
    sources: tuple[Path, ...] = ()

    def entries(self, section: str) -> Mapping[str, Entry]:
        """The entries of a named section."""
        entries: Mapping[str, Entry] = self.values[section]
        return entries

    def listed(self, section: str) -> Sequence[Listed]:
        """The entries of a section that is a list."""
        entries: Sequence[Listed] = self.values[section]
        return entries

    def options(self, section: str) -> Any:
        """The options of a section; of a named one, what each entry's common options are, by name; of a list, its entries' options."""
        value = self.values[section]
        if isinstance(value, tuple):
            return tuple(entry.options for entry in value)
        return {name: entry.common for name, entry in value.items()} if isinstance(value, dict) else value


def load(directory: Path, sections: Sequence[Section], environment: Mapping[str, str]) -> Operations:
    """Reads ``keepwell.yaml`` in ``directory``. Starts no process, opens no socket and resolves no secret.

    ``environment`` gives the values of ``${VAR}``. Raises ConfigurationError with every problem that there is, in the order of the file.
    """
    path = directory / FILE
    _check_directory(directory, path)
    document = read_yaml(path)
    findings = document.findings
    root = document.root
    if root is None or (isinstance(root, nodes.Scalar) and root.value is None):
        raise ConfigurationError(f"{path} is empty", hint='begin with the line "keepwell: 1"', where=Place(str(path)))
    if not isinstance(root, nodes.Mapping):
        findings.add("config.type", f"expected keys with values, found {found(root)}", root, 'begin with the line "keepwell: 1"')
        raise findings.stop()
    service = _header(root, sections, findings)
    decoder = Decoder(findings, environment)
    values = {section.key: decoder.section(section, root.items.get(section.key)) for section in sections}
    check_references(decoder.references, {section.key: root.child(section.key) for section in sections}, findings)
    if findings.found:
        raise findings.stop()
    return Operations(directory, service, values, (path,))


def _check_directory(directory: Path, path: Path) -> None:
    try:
        if directory.is_dir() and path.exists():
            return
        exists, is_directory = directory.exists(), directory.is_dir()
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise ConfigurationError(f"{directory} cannot be read: {reason}", where=Place(str(directory))) from error
    hint = f'"keepwell init {directory}" writes one to begin with'
    if not exists:
        raise ConfigurationError(f"the directory {directory} does not exist", hint=hint, where=Place(str(directory)))
    if not is_directory:
        hint = f"an operations directory is a directory that holds {FILE}: name that"
        raise ConfigurationError(f"{directory} is not a directory", hint=hint, where=Place(str(directory)))
    raise ConfigurationError(f"{path} does not exist", hint=hint, where=Place(str(path)))


def _header(root: nodes.Mapping, sections: Sequence[Section], findings: Findings) -> str:
    """Checks the keys of the top level; gives the service's name."""
    _check_format(root, findings)
    known = ("keepwell", "service", *(section.key for section in sections))
    for key, _ in root.items.values():
        if key.text not in known:
            unknown_key(findings, key, known)
    pair = root.items.get("service")
    if pair is None:
        findings.add("config.missing-key", 'the key "service" is missing', None, 'write the name of what is operated: "service: NAME"')
        return ""
    key, node = pair
    name = node.value if isinstance(node, nodes.Scalar) else None
    if not isinstance(name, str):
        hint = "put it in quotes to make it text" if isinstance(node, nodes.Scalar) and node.text else "write the name of what is operated"
        findings.add("config.type", f"expected text, found {found(node)}", node if hint.startswith("put") else key, hint)
        return ""
    if not name.strip() or not name.isprintable() or len(name) > _LONGEST_SERVICE:
        message = f"{quoted(name)} is no name for a service"
        findings.add("config.value", message, node, f"write one line of at most {_LONGEST_SERVICE} characters")
    return name


def _check_format(root: nodes.Mapping, findings: Findings) -> None:
    pair = root.items.get("keepwell")
    if pair is None:
        findings.add(
            "config.format", 'the key "keepwell" is missing, which names the format of this file', None, 'begin with "keepwell: 1"'
        )
        return
    key, node = pair
    value = node.value if isinstance(node, nodes.Scalar) else None
    if type(value) is int and value == FORMAT:
        return
    newer = type(value) is int and value > FORMAT
    hint = "a newer Keepwell wrote this file: upgrade, or write keepwell: 1" if newer else "write keepwell: 1"
    findings.add("config.format", f"expected 1, the format of this file, found {found(node)}", node if value is not None else key, hint)
