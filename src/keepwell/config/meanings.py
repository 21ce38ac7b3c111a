"""What the fields of an options class mean: the text below each field in the source.

Pydantic can read these texts when a class is made, which costs a third of the time that a validation takes; they are needed only where
a person reads them.
"""

import ast
import inspect
import textwrap
from itertools import pairwise

from pydantic import BaseModel

from .markers import key_of


def meanings(model: type[BaseModel]) -> dict[str, str]:
    """The meaning of each key of a class, inherited ones included; a key without text has none."""
    texts: dict[str, str] = {}
    for ancestor in reversed(model.__mro__):
        if issubclass(ancestor, BaseModel) and ancestor is not BaseModel:
            texts |= _texts(ancestor)
    fields = model.model_fields.items()
    found = {key_of(name, info): info.description or texts.get(name, "") for name, info in fields}
    return {key: text for key, text in found.items() if text}


def _texts(model: type[BaseModel]) -> dict[str, str]:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(model)))
    except (OSError, TypeError, SyntaxError):
        return {}  # no source at hand: a class made at run time
    body = tree.body[0].body if tree.body and isinstance(tree.body[0], ast.ClassDef) else []
    return {
        field.target.id: inspect.cleandoc(text.value.value)
        for field, text in pairwise(body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str)
    }
