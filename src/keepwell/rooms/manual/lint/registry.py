"""Finds the rules: each module of the folder ``rules`` exports one ``RULE``."""

import pkgutil
import re
from functools import cache
from importlib import import_module

from . import rules as folder
from .model import Rule

_MODULE = re.compile(r"(kw\d{3})_(\w+)")


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule, by id. Raises RuntimeError where a module is not what its name says: that is a fault of ours."""
    rules: dict[str, Rule] = {}
    for module in sorted(part.name for part in pkgutil.iter_modules(folder.__path__)):
        match = _MODULE.fullmatch(module)
        if match is None:
            continue  # what several rules share
        rule = import_module(f"{folder.__name__}.{module}").RULE
        if (rule.id, rule.name) != (match[1].upper(), match[2].replace("_", "-")):
            raise RuntimeError(f"{module} holds {rule.id} {rule.name}")
        if rule.id in rules:
            raise RuntimeError(f"there are two rules {rule.id}: {rules[rule.id].name} and {rule.name}")
        rules[rule.id] = rule
    return tuple(rules.values())
