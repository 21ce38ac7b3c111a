"""What surrounds a statement of shell, and the parts of a pipeline as the parser's tree has them. Pure; used by shell_walk.py."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .shell_values import IGNORED, SHOWN, Fate, Redirection

if TYPE_CHECKING:
    from tree_sitter import Node


DEEPEST = 60
"""Nesting beyond this is not looked into: nobody wrote it by hand."""
SIMPLE = frozenset(("command", "declaration_command", "unset_command", "test_command"))
REDIRECTS = frozenset(("file_redirect", "herestring_redirect", "heredoc_redirect"))
ASSIGNMENTS = frozenset(("variable_assignment", "variable_assignments"))
COMPOUND = frozenset(
    ("if_statement", "while_statement", "for_statement", "c_style_for_statement", "case_statement", "function_definition", "subshell",
     "compound_statement")
)  # fmt: skip
STATEMENTS = SIMPLE | COMPOUND | ASSIGNMENTS | {"list", "pipeline", "redirected_statement", "negated_command", "ERROR"}


@dataclass(frozen=True, slots=True)
class Around:
    """What surrounds a statement; ``status`` and ``output`` are what becomes of its own."""

    function: str = ""
    depth: int = 0
    nesting: int = 0
    substitution: str = ""
    inside: int | None = None
    variable: str = ""
    condition: str = ""
    loops: tuple[str, ...] = ()
    guards: tuple[int, ...] = ()
    background: bool = False
    negated: bool = False
    status: Fate = IGNORED
    output: Fate = SHOWN


@dataclass(frozen=True, slots=True)
class Ran:
    """What a statement came to: its first command, and the commands whose status may be its status."""

    first: int | None = None
    results: tuple[int, ...] = ()
    negated: bool = False


@dataclass(slots=True)
class Stage:
    """One part of a pipeline with the redirections that belong to it."""

    node: "Node"
    redirects: list["Node"] = field(default_factory=list)
    negated: bool = False


def in_background(nodes: Sequence["Node"], at: int) -> bool:
    return at + 1 < len(nodes) and nodes[at + 1].type == "&"


def is_arithmetic(node: "Node") -> bool:
    return node.type == "compound_statement" and bool(node.children) and node.children[0].type == "(("


def output_of(redirection: Redirection, otherwise: Fate) -> Fate:
    if redirection.discards:
        return Fate(False, "discarded", "/dev/null")
    return Fate(True, "file", redirection.target.filled) if redirection.writes else otherwise


def stages_of(node: "Node") -> Iterator[Stage]:
    """The parts of a pipeline in order. The tree nests them, with a redirection of the last one around the whole."""
    inner = [child for child in node.children if child.is_named and child.type not in REDIRECTS | {"comment"}]
    match node.type:
        case "pipeline":
            for child in inner:
                yield from stages_of(child)
        case "negated_command" if inner:
            stages = list(stages_of(inner[0]))
            stages[0].negated = not stages[0].negated
            yield from stages
        case "redirected_statement":
            redirects = [child for child in node.children if child.type in REDIRECTS]
            stages = list(stages_of(inner[0])) if inner else [Stage(node)]
            stages[-1].redirects += redirects
            yield from stages
        case _:
            yield Stage(node)


def expansions_of(node: "Node") -> Iterator["Node"]:
    """The expansions in a command's own words, not in commands inside them."""
    waiting = [node]
    while waiting:
        part = waiting.pop()
        if part.type in ("simple_expansion", "expansion"):
            yield part
        if part.type not in ("command_substitution", "process_substitution") or part is node:
            waiting.extend(reversed(part.children))
