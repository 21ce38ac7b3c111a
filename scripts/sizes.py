"""How large the house is: prints one line, and names every module and function that is larger than the house allows.

The bounds: a module 400 lines; a function 65 lines (aim at 60) without its docstring, nesting 3, parameters 6 (``self`` not counted).
"""

import ast
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1] / "src"
MODULE_LINES, FUNCTION_LINES, NESTING, PARAMETERS = 400, 65, 3, 6

Function = ast.FunctionDef | ast.AsyncFunctionDef
BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.TryStar, ast.Match)


@dataclass(frozen=True, slots=True)
class Measured:
    """One function: where it stands, its lines without docstring, how deep its blocks nest, and how many parameters it has."""

    where: str
    lines: int
    nesting: int
    parameters: int


def function_lines(function: Function) -> int:
    """Lines from ``def`` to the end, docstring not counted."""
    total = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        total -= (first.end_lineno or first.lineno) - first.lineno + 1
    return total


def nesting(node: ast.AST, depth: int = 0) -> int:
    """The depth of the deepest branch, loop or try; ``elif`` is as deep as its ``if``, an inner function counts for itself."""
    deepest = depth
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function):
            continue
        is_elif = isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]
        deeper = isinstance(child, BLOCKS) and not is_elif
        deepest = max(deepest, nesting(child, depth + deeper))
    return deepest


def parameters(function: Function) -> int:
    """How many arguments a caller may give."""
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return len([argument for argument in arguments if argument.arg not in ("self", "cls")])


def measure(path: Path) -> Iterator[Measured]:
    """Every function of one file."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, Function):
            where = f"{path.relative_to(SOURCE)}:{node.lineno} {node.name}"
            yield Measured(where, function_lines(node), nesting(node), parameters(node))


def excesses(modules: dict[Path, int], functions: list[Measured]) -> Iterator[str]:
    """One sentence for each bound that is broken."""
    for path, lines in modules.items():
        if lines > MODULE_LINES:
            yield f"{path.relative_to(SOURCE)}: {lines} lines; a module has at most {MODULE_LINES}"
    for function in functions:
        if function.lines > FUNCTION_LINES:
            yield f"{function.where}: {function.lines} lines; a function has at most {FUNCTION_LINES}"
        if function.nesting > NESTING:
            yield f"{function.where}: blocks nest {function.nesting} deep; at most {NESTING}"
        if function.parameters > PARAMETERS:
            yield f"{function.where}: {function.parameters} parameters; at most {PARAMETERS}"


def main() -> int:
    """Prints the sizes; 1 where a bound is broken."""
    paths = sorted(SOURCE.rglob("*.py"))
    modules = {path: path.read_text("utf-8").count("\n") for path in paths}
    functions = [function for path in paths for function in measure(path)]
    lines = sorted(function.lines for function in functions)
    written = [count for count in modules.values() if count > 1]
    print(
        f"{len(modules)} modules, {sum(written)} lines: median {statistics.median(written):.0f}, longest {max(written)}; "
        f"{len(functions)} functions: median {statistics.median(lines):.0f} lines, p90 {lines[int(len(lines) * 0.9)]}, longest {lines[-1]}"
    )
    broken = list(excesses(modules, functions))
    print(*broken, sep="\n", end="\n" if broken else "")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
