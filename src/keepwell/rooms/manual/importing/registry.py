"""Finds the recognisers: each module of the folder ``recognise`` that is one exports ``RECOGNISER``."""

import pkgutil
from functools import cache
from importlib import import_module

from . import recognise as folder
from .model import Recogniser


@cache
def all_recognisers() -> tuple[Recogniser, ...]:
    """Every recogniser, in the order in which they are asked."""
    modules = (import_module(f"{folder.__name__}.{part.name}") for part in pkgutil.iter_modules(folder.__path__))
    found: list[Recogniser] = [module.RECOGNISER for module in modules if hasattr(module, "RECOGNISER")]
    return tuple(sorted(found, key=lambda recogniser: (recogniser.order, recogniser.name)))
