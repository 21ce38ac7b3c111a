"""What rules declare: the section ``rule_files``. Imports nothing costly."""

from typing import Any

from keepwell.ports.offer import Section

SAMPLE = """\
# rule_files: [rules/*.yml]    # Prometheus' own files: recording and alerting rules, evaluated here as they are
"""


def sections() -> tuple[Section, ...]:
    """The section ``rule_files``."""
    return (Section("rule_files", "Files of Prometheus rules, evaluated", _options, sample=SAMPLE),)


def _options() -> type[Any]:
    from .options import RuleFilesOptions

    return RuleFilesOptions
