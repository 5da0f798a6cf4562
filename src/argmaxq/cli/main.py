"""The command line: ``argmaxq VERB``."""

import gc
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version

from argmaxq.cli import failures, tables
from argmaxq.cli.given import given_values
from argmaxq.cli.verbs import FAILED, VERBS
from argmaxq.components.errors import UserError
from argmaxq.components.options import help_text
from argmaxq.components.registry import near
from argmaxq.interrupts import INTERRUPTIONS, LINE, Terminated, guard
from argmaxq.recipes import choose
from argmaxq.training.block import Diverged

MISUSED, DIVERGED, INTERRUPTED, TERMINATED = 2, 3, 130, 143
HELP = ("-h", "--help")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code. A mistake is one line on standard error, never a traceback."""
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    if sys.stdout is None:  # closed, as by `>&-`
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    if argv is None:
        guard()
        # What was imported stays, so the collector need not look through it ever again while JAX compiles.
        gc.freeze()
    try:
        code = _run(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
        return code
    except UserError as error:
        print(f"argmaxq: {error}", file=sys.stderr)
        return DIVERGED if isinstance(error, Diverged) else MISUSED
    except MemoryError:
        print("argmaxq: too little memory: free some, or ask for less at once", file=sys.stderr)
        return FAILED
    except INTERRUPTIONS as error:
        print("; ".join([LINE, *getattr(error, "__notes__", [])]), file=sys.stderr)
        return TERMINATED if isinstance(error, Terminated) else INTERRUPTED
    except BrokenPipeError:  # the reader has seen enough, as in `argmaxq list | head`
        _print_no_more()
        return FAILED
    except Exception as error:
        if failures.wanted():
            raise
        _print_no_more()
        print(failures.told(error), file=sys.stderr)
        return FAILED


def _print_no_more() -> None:
    """What is not printed yet is, if it can be; else it goes nowhere, so that nothing complains again at the end."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(argv: list[str]) -> int:
    if not argv or argv[0] in HELP:
        tables.show_help({name: verb.summary for name, verb in VERBS.items()})
        return 0
    name, *given = argv
    if name == "--version":
        print(f"argmaxq {version('argmaxq')}")
        return 0
    if name not in VERBS:
        raise UserError(f"there is no verb {name!r}: {near(name, VERBS)}")
    parser, arguments = VERBS[name].parser(name), [token for token in given if token not in HELP]
    if arguments != given:
        print(parser.format_help().rstrip())
        if name == "train" and arguments:
            options, rest = parser.parse_known_args(arguments)
            recipe = choose(options.recipe, given_values(options, rest)).recipe
            print("\noptions of the recipe, with its values (a component of your own is module:Class):")
            print(help_text(recipe, tables.width()))
        return 0
    options, rest = parser.parse_known_args(arguments)
    if rest and name not in ("train", "study", "tune", "resume"):
        known = [flag for argument, _ in VERBS[name].arguments if (flag := argument).startswith("-")]
        raise UserError(f"argmaxq {name} knows no {rest[0]}: {near(rest[0], [*known, '--help'])}")
    return VERBS[name].run(options, rest)
