"""``keepwell rules check`` and ``keepwell rules test``. Imports nothing costly."""

from keepwell.kernel.exits import Exit
from keepwell.ports.offer import Argument, Call, Subcommand

_NAMES = Argument(
    ("--names",),
    "which names labels may have: utf8 (any, as in Prometheus 3) or legacy (letters, digits and _, as before)",
    {"choices": ("utf8", "legacy"), "default": "utf8"},
)


def commands() -> tuple[Subcommand, ...]:
    """Both; they need no server."""
    return (_check(), _test())


def _check() -> Subcommand:
    async def run(call: Call) -> int:
        from .told import check_files

        return check_files(call)

    return Subcommand(
        "check",
        "read rule files of Prometheus and report every problem in them",
        run,
        (Argument(("files",), "the rule files", {"metavar": "FILE", "nargs": "+"}), _NAMES),
        description="Reports every problem with file:line:column: keys that are not known, expressions and templates that cannot be read. "
        "Evaluates nothing. Exit code 0 without problems, 1 with.",
        example="keepwell rules check rules/*.yml",
        on_error=Exit.NEGATIVE,
        waits=False,
    )


def _test() -> Subcommand:
    async def run(call: Call) -> int:
        from .told import test_files

        return await test_files(call)

    return Subcommand(
        "test",
        "run unit tests of rules, as promtool does",
        run,
        (
            Argument(("files",), "the files of tests", {"metavar": "FILE", "nargs": "+"}),
            Argument(("--run",), "only tests whose name this regular expression fits", {"metavar": "PATTERN"}),
            _NAMES,
        ),
        description="Runs unit-test files in the format of promtool: input_series, alert_rule_test, promql_expr_test. "
        "Every difference is shown. Exit code 0 when all hold, 1 when not or when a file cannot be read.",
        example="keepwell rules test rules/tests/*.yml",
        on_error=Exit.NEGATIVE,
    )
