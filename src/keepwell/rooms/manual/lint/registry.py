"""Finds the rules: each module of the folder ``rules`` exports one ``RULE``."""

import pkgutil
import re
from functools import cache
from importlib import import_module

from . import rules as folder
from .model import Rule

_MODULE = re.compile(r"(kw\d{3})_(\w+)")


def rule_ids() -> tuple[str, ...]:
    """The ids of all rules, without importing any."""
    return tuple(match[1].upper() for match in _modules())


def all_rules() -> tuple[Rule, ...]:
    """Every rule, by id. Raises RuntimeError where a module is not what its name says: that is a fault of ours."""
    return some_rules(rule_ids())


@cache
def some_rules(ids: tuple[str, ...]) -> tuple[Rule, ...]:
    """The rules with these ids; the others are not loaded. Raises RuntimeError as ``all_rules`` does."""
    rules: dict[str, Rule] = {}
    for match in (match for match in _modules() if match[1].upper() in ids):
        rule: Rule = import_module(f"{folder.__name__}.{match[0]}").RULE
        if (rule.id, rule.name) != (match[1].upper(), match[2].replace("_", "-")):
            raise RuntimeError(f"{match[0]} holds {rule.id} {rule.name}")
        if rule.id in rules:
            raise RuntimeError(f"there are two rules {rule.id}: {rules[rule.id].name} and {rule.name}")
        rules[rule.id] = rule
    return tuple(rules.values())


def _modules() -> tuple[re.Match[str], ...]:
    """The modules that are rules; what several of them share has another name."""
    names = sorted(part.name for part in pkgutil.iter_modules(folder.__path__))
    return tuple(match for name in names if (match := _MODULE.fullmatch(name)))
