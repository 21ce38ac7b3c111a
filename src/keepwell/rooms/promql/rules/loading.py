"""The rule files of an operations directory."""

from collections.abc import Sequence
from glob import glob
from pathlib import Path

from keepwell.kernel.problems import ConfigurationError, Place, Problem
from keepwell.kernel.quoting import quoted

from .model import Group
from .reading import read_rules


def load_groups(directory: Path, patterns: Sequence[str]) -> tuple[Group, ...]:
    """The groups of all files that the patterns name, in the order of the patterns. Raises ConfigurationError with every problem of every
    file; a pattern without ``*``, ``?`` or ``[`` names a file that must be there."""
    problems: list[Problem] = []
    groups: list[Group] = []
    for file in _files(directory, patterns, problems):
        try:
            groups += read_rules(Path(file)).groups
        except ConfigurationError as error:
            problems += error.problems
    if problems:
        raise ConfigurationError(*problems)
    return tuple(groups)


def _files(directory: Path, patterns: Sequence[str], problems: list[Problem]) -> list[str]:
    files: list[str] = []
    for pattern in patterns:
        whole = str(directory / pattern)
        matched = sorted(glob(whole, recursive=True))
        if not matched and not any(sign in pattern for sign in "*?["):
            hint = "paths in rule_files are relative to the operations directory"
            problems.append(Problem("rules.missing-file", f"the rule file {quoted(pattern)} does not exist", hint, Place(whole)))
        files += [file for file in matched if file not in files]
    return files
