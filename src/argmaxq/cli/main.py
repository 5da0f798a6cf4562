"""The command line: ``argmaxq VERB``. A verb is a function of its options that returns an exit code."""

import argparse
import dataclasses
import gc
import json
import os
import sys
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

from argmaxq.cli import tables
from argmaxq.components.annotations import hints
from argmaxq.components.errors import UserError
from argmaxq.components.options import help_text, read
from argmaxq.components.registry import near
from argmaxq.environments.faults import from_environment, told
from argmaxq.interrupts import INTERRUPTIONS, LINE, Terminated, guard, hold, noting
from argmaxq.recipes import Given, choose
from argmaxq.recipes.recipe import Recipe
from argmaxq.reporting.text import environment
from argmaxq.runs.track import BEST
from argmaxq.runs.trust import shun
from argmaxq.training.block import Diverged
from argmaxq.verbs.run import Run
from argmaxq.verbs.train import resume, train_given

FAILED, MISUSED, DIVERGED, INTERRUPTED, TERMINATED = 1, 2, 3, 130, 143
HELP = ("-h", "--help")
Options = argparse.Namespace
Argument = tuple[str, dict[str, Any]]


class Parser(argparse.ArgumentParser):
    """Argparse that tells of a mistake in one line."""

    def error(self, message: str) -> NoReturn:
        """Raises UserError."""
        raise UserError(f"{message}; see {self.prog} --help")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """As argparse's, which makes an empty list of the value in ``--option=--``; that is refused here."""
        options, rest = super().parse_known_args(args, namespace)
        if empty := [name for name, value in vars(options).items() if isinstance(value, list)]:
            self.error(f"argument --{empty[0]}: expected one argument")
        return options, rest


@dataclasses.dataclass(frozen=True)
class Verb:
    """One verb: its function of (options, what else was given), what it does, and its arguments."""

    run: Callable[[Options, list[str]], int]
    summary: str
    arguments: tuple[Argument, ...] = ()

    def parser(self, name: str) -> Parser:
        """What reads its arguments."""
        layout = lambda prog: argparse.HelpFormatter(prog, max_help_position=28, width=tables.width())  # noqa: E731
        parser = Parser(f"argmaxq {name}", description=self.summary, allow_abbrev=False, formatter_class=layout)
        for argument, settings in self.arguments:
            parser.add_argument(argument, **settings)
        return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code. A mistake is one line on standard error, never a traceback."""
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    if argv is None:
        guard()
        # What was imported stays, so the collector need not look through it ever again while JAX compiles.
        gc.freeze()
    try:
        return _run(list(sys.argv[1:] if argv is None else argv))
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
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:
        if not from_environment(error):
            raise
        print(f"argmaxq: the environment raised {told(error)}", file=sys.stderr)
        return FAILED


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
            recipe = choose(options.recipe, _given(options, rest)).recipe
            print(f"\noptions of the recipe, with its values:\n{help_text(recipe, tables.width())}")
        return 0
    options, rest = parser.parse_known_args(arguments)
    if rest and name != "train":
        known = [flag for argument, _ in VERBS[name].arguments if (flag := argument).startswith("-")]
        raise UserError(f"argmaxq {name} knows no {rest[0]}: {near(rest[0], [*known, '--help'])}")
    return VERBS[name].run(options, rest)


def _list(options: Options, rest: list[str]) -> int:
    tables.show_everything()
    return 0


def _train(options: Options, rest: list[str]) -> int:
    run = train_given(
        options.recipe, _given(options, rest), name=options.recipe, engine=options.engine, seed=options.seed,
        seeds=options.seeds, out=options.out, device=options.device, quiet=options.quiet,
    )  # fmt: skip
    if options.quiet:
        print(run.path)
    return 0


def _given(options: Options, rest: list[str]) -> Given:
    """Values of the recipe's fields, by path."""
    own = [argument.removeprefix("--") for argument, _ in VERBS["train"].arguments[1:]]
    for token in rest:
        name = token.removeprefix("--").partition("=")[0]
        if token.startswith("--") and name not in hints(Recipe) and (close := get_close_matches(name, own, 1, 0.7)):
            raise UserError(f"there is no option --{name}: did you mean --{close[0]}?")
    also = [("env.id", options.env), ("steps", options.steps)]
    return [*read(rest), *((path, value) for path, value in also if value is not None)]


def _resume(options: Options, rest: list[str]) -> int:
    trusted = _opened(options).trusted
    resume(options.run, steps=options.steps, device=options.device, trust=trusted, quiet=False)
    return 0


def _opened(options: Options) -> Run:
    """The run that was named. Who names its environment, too, trusts it as much as who says so."""
    shun(Path(options.run))
    run = Run(options.run, trust=options.trust or bool(options.env))
    if options.env and options.env != (made := environment(run.config)):
        raise UserError(f"--env {options.env}: {run.path} was trained on {made}")
    return run


def _evaluate(options: Options, rest: list[str]) -> int:
    run = _opened(options)
    table: tables.Judgements | tables.Evaluations = tables.Judgements(run, options.checkpoint)
    if not options.exact:
        table = tables.Evaluations(run, options.checkpoint, options.episodes, options.seed)
    for line in [json.dumps(table.to_json())] if options.json else table.lines():
        print(line, flush=True)
    return 0


def _plot(options: Options, rest: list[str]) -> int:
    from argmaxq.visualisation.plot import plot  # here, since only drawing needs what it needs

    try:
        entries = tuple(int(entry) for entry in options.entries.split(",")) if options.entries else ()
    except ValueError:
        raise UserError(f"--entries {options.entries}: whole numbers with a comma between, such as 0,1") from None
    print(plot(_opened(options), options.what, options.out, which=options.checkpoint, entries=entries))
    return 0


def _watch(options: Options, rest: list[str]) -> int:
    from argmaxq.visualisation.watch import watch  # here, since only watching needs ffmpeg

    if options.video:
        os.environ.setdefault("SDL_VIDEODRIVER", "dummy")  # a film needs no display, nor a complaint without one
    run = _opened(options)
    with noting():
        hold()  # a film is removed, and a window closed, before a signal is obeyed
        watch(run, options.video, which=options.checkpoint, episodes=options.episodes, seed=options.seed)
    return 0


def _check(options: Options, rest: list[str]) -> int:
    from argmaxq.environments.check import check

    try:
        kwargs = json.loads(options.kwargs)
    except ValueError:
        kwargs = None
    if not isinstance(kwargs, dict):
        raise UserError(f"--kwargs {options.kwargs}: it must be a JSON object, such as '{{\"continuous\": false}}'")
    findings = check(options.env, kwargs)
    tables.show_findings(findings)
    return FAILED if any(finding.status == "fail" for finding in findings) else 0


def argument(name: str, help: str, **settings: Any) -> Argument:
    """An argument as argparse takes it."""
    return name, {"help": help, **settings}


RUN = argument("run", "the run's folder", metavar="RUN")
TRUST = (
    argument("--trust", "import the module that the run names, though it was not made here", action="store_true"),
    argument("--env", "trust that the run's environment is this one", metavar="ID"),
)
CHECKPOINT = argument("--checkpoint", "best, last, or a step (%(default)s)", metavar="WHICH", default=BEST)
EPISODE_SEED = argument("--seed", "what the episodes begin from (%(default)s)", metavar="S", type=int, default=1)
DEVICE = argument("--device", "cpu, gpu, tpu, cuda:1, ...", metavar="D")
PICTURES = ("curve", "loss", "choices", "phase", "value", "visits", "schedule")

VERBS = {
    "list": Verb(_list, "recipes, environments and components"),
    "train": Verb(
        _train,
        "train an agent",
        (
            argument("recipe", "a recipe's name, or dqn, pqn, pdqn, td; argmaxq list", metavar="RECIPE"),
            argument("--env", "another environment than the recipe's", metavar="ID"),
            argument("--engine", "auto, compiled or host (%(default)s)", metavar="E", default="auto"),
            argument("--seed", "the first seed (%(default)s)", metavar="S", type=int, default=0),
            argument("--seeds", "how many seeds (%(default)s)", metavar="N", type=int, default=1),
            argument("--steps", "env steps, instead of the recipe's number", metavar="N"),
            argument("--out", "the run's folder, a new one (default: below runs)", metavar="DIR"),
            DEVICE,
            argument("--quiet", "print nothing but the run's folder", action="store_true"),
        ),
    ),
    "resume": Verb(
        _resume,
        "go on where a run stopped",
        (
            RUN,
            argument("--steps", "more env steps than it was to have", metavar="MORE", type=int, default=0),
            DEVICE,
            *TRUST,
        ),
    ),
    "evaluate": Verb(
        _evaluate,
        "play greedy episodes with a trained agent",
        (
            RUN,
            CHECKPOINT,
            argument("--episodes", "how many (%(default)s)", metavar="N", type=int, default=100),
            EPISODE_SEED,
            argument("--exact", "compare with the exact solution instead, where there are tables", action="store_true"),
            argument("--json", "print JSON", action="store_true"),
            *TRUST,
        ),
    ),
    "plot": Verb(
        _plot,
        "draw a run's curve and losses, or its agent's policy, values and choices",
        (
            RUN,
            argument("--what", f"{', '.join(PICTURES)} (%(default)s)", metavar="WHAT", default="curve"),
            argument("--out", "the picture, .png or .svg (default: in the run)", metavar="FILE"),
            argument("--entries", "which numbers of the observation, such as 2,3", metavar="I,J"),
            CHECKPOINT,
            *TRUST,
        ),
    ),
    "watch": Verb(
        _watch,
        "see a trained agent play, in a window or a film",
        (
            RUN,
            argument("--video", "write a film instead, .mp4 or .gif", metavar="FILE"),
            CHECKPOINT,
            argument("--episodes", "how many (%(default)s)", metavar="N", type=int, default=1),
            EPISODE_SEED,
            *TRUST,
        ),
    ),
    "check": Verb(
        _check,
        "is this environment usable, and if not, why",
        (
            argument("env", "an environment's id", metavar="ENV"),
            argument("--kwargs", "arguments for making it, a JSON object", metavar="JSON", default="{}"),
        ),
    ),
}
