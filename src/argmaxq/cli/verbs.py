"""The verbs of the command line. A verb is a function of its options that returns an exit code."""

import argparse
import dataclasses
import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from argmaxq.cli import arguments, tables
from argmaxq.cli.arguments import Argument, Parser
from argmaxq.cli.given import given_values, of_options, ranged, varied
from argmaxq.cli.opening import looked_at, opened, opened_for, shown, trackings, vouched
from argmaxq.components.errors import UserError
from argmaxq.interrupts import hold, noting
from argmaxq.runs.trust import beside, shun
from argmaxq.studies.folder import is_study
from argmaxq.studies.study import Study, study
from argmaxq.studies.study import resume as resume_study
from argmaxq.tuning.folder import imports, is_tuning
from argmaxq.tuning.tune import resume as resume_tuning
from argmaxq.tuning.tune import tune
from argmaxq.verbs.source import chosen_source
from argmaxq.verbs.tracking import Tracking
from argmaxq.verbs.train import resume, train_given

FAILED = 1
Options = argparse.Namespace


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


def _list(options: Options, rest: list[str]) -> int:
    tables.show_everything(options.filter)
    return 0


def _train(options: Options, rest: list[str]) -> int:
    run = train_given(
        options.recipe, given_values(options, rest), name=options.recipe, engine=options.engine, seed=options.seed,
        seeds=options.seeds, out=options.out, device=options.device, quiet=options.quiet,
        source=chosen_source(options.start_from, options.from_checkpoint), track=trackings(options),
    )  # fmt: skip
    return _made(options, run.path)


def _made(options: Options, path: str | Path) -> int:
    """The end of a verb that trains: its folder is all that ``--quiet`` prints."""
    if options.quiet:
        print(path)
    return 0


def _study(options: Options, rest: list[str]) -> int:
    made = study(
        options.recipe, varied(options.vary or []), values=dict(of_options(arguments.STUDY, rest)),
        engine=options.engine, seed=options.seed, seeds=options.seeds, steps=options.steps, out=options.out,
        device=options.device, quiet=options.quiet, ray=options.ray, slurm="slurm" if options.slurm else None,
    )  # fmt: skip
    return _made(options, made.path)


def _tune(options: Options, rest: list[str]) -> int:
    made = tune(
        options.recipe, ranged(options.over or []), trials=options.trials, seeds=options.seeds,
        reported=options.reported, values=dict(of_options(arguments.TUNE, rest)), steps=options.steps,
        engine=options.engine, out=options.out, quiet=options.quiet,
    )  # fmt: skip
    return _made(options, made.path)


def _resume(options: Options, rest: list[str]) -> int:
    if options.track and (is_tuning(options.run) or is_study(options.run)):
        raise UserError(f"--track: {options.run} is no run; send a study's runs afterwards, by argmaxq track")
    if is_study(options.run):
        return _resume_study(options, rest)
    if options.ray or options.slurm:
        raise UserError(f"{options.run} is no study: --ray and --slurm are for those")
    if is_tuning(options.run):
        return _resume_tuning(options, rest)
    run, values = opened(options), dict(of_options(arguments.RESUME, rest))
    resume(
        run.path, values, steps=options.steps, device=options.device, own=vouched(options), trust=run.trusted,
        track=trackings(options), quiet=options.quiet,
    )  # fmt: skip
    return _made(options, run.path)


def _resume_tuning(options: Options, rest: list[str]) -> int:
    if rest or options.steps:
        raise UserError(
            f"{options.run} is a tuning, which goes on as it was planned: begin another one with argmaxq tune"
        )
    shun(Path(options.run))
    if imports(options.run, options.trust):
        beside(Path(options.run))
    resume_tuning(options.run, quiet=options.quiet, trust=options.trust)
    return _made(options, options.run)


def _resume_study(options: Options, rest: list[str]) -> int:
    if rest or options.steps:
        raise UserError(
            f"{options.run} is a study, which goes on as it was planned: begin another one with argmaxq study"
        )
    shun(Path(options.run))
    if Study(options.run, options.trust).imports():
        beside(Path(options.run))
    slurm = "slurm" if options.slurm else None
    resume_study(options.run, trust=options.trust, quiet=options.quiet, ray=options.ray, slurm=slurm)
    return _made(options, options.run)


def _evaluate(options: Options, rest: list[str]) -> int:
    run, other = opened_for(options)
    table: tables.Judgements | tables.Evaluations = tables.Judgements(run, options.checkpoint)
    if options.exact and other is not None:
        raise UserError(
            f"--exact --env {other}: the exact solution is of the environment that {run.path} was trained on"
        )
    if not options.exact:
        table = tables.Evaluations(run, options.checkpoint, options.episodes, options.seed, other)
    for line in [json.dumps(table.to_json())] if options.json else table.lines():
        print(line, flush=True)
    return 0


def _plot(options: Options, rest: list[str]) -> int:
    from argmaxq.visualisation.plot import plot  # here, since only drawing needs what it needs

    try:
        entries = tuple(int(entry) for entry in options.entries.split(",")) if options.entries else ()
    except ValueError:
        raise UserError(f"--entries {options.entries}: whole numbers with a comma between, such as 0,1") from None
    runs = [opened(options, path) for path in options.run]
    print(plot(runs, options.what, options.out, which=options.checkpoint, entries=entries))
    return 0


def _compare(options: Options, rest: list[str]) -> int:
    from argmaxq.cli.comparing import comparison_lines  # here, since only comparing needs SciPy's statistics

    runs = list(map(looked_at, options.run))
    for line in comparison_lines(runs, options.score, options.format, options.difference, options.threshold):
        print(line)
    return 0


def _report(options: Options, rest: list[str]) -> int:
    from argmaxq.page.figures import tried  # here, since only a page needs what it needs
    from argmaxq.page.follow import follow
    from argmaxq.page.report import report

    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
    played = [] if options.play == "none" else options.play.split(",")
    if options.follow:
        if len(options.run) > 1:
            raise UserError(f"--follow: a page follows one run or study, and {len(options.run)} are named")
        print(follow(lambda: shown(options, options.run[0]), options.out, played=played))
        return 0
    paths = [Path(path) for path in options.run]
    if again := [str(path) for place, path in enumerate(paths) if path in paths[:place]]:
        raise UserError(f"{again[0]} is named twice")
    if len(paths) == 1:
        print(report(shown(options, options.run[0]), options.out, played=played, say=print))
        return 0
    found = [tried(partial(shown, options, path), "Not shown") for path in options.run]
    print(report(found, options.out, played=played, say=print))
    return 0


def _watch(options: Options, rest: list[str]) -> int:
    from argmaxq.visualisation.watch import watch  # here, since only watching needs ffmpeg

    if options.video:
        os.environ.setdefault("SDL_VIDEODRIVER", "dummy")  # a film needs no display, nor a complaint without one
    run = opened(options)
    with noting():
        hold()  # a film is removed, and a window closed, before a signal is obeyed
        watch(
            run, options.video, which=options.checkpoint, seeds=options.seeds, episodes=options.episodes,
            seed=options.seed, show=options.show,
        )  # fmt: skip
    return 0


def _track(options: Options, rest: list[str]) -> int:
    from argmaxq.tracking.track import track  # here, since only a tracker needs what it needs

    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
    found = shown(options, options.run)
    if ":" in options.to:
        beside(found.path)
    track(found, Tracking(options.to, options.track_films, options.offline), trust=options.trust, say=print)
    return 0


def _export(options: Options, rest: list[str]) -> int:
    from argmaxq.exports.export import export  # here, since only exporting needs what it needs

    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")  # a card's film needs no display
    run = opened(options)
    export(run, options.to, options.out, which=options.checkpoint, seed=options.seed, episodes=options.episodes)
    return 0


def _check(options: Options, rest: list[str]) -> int:
    from argmaxq.environments.check import check

    try:
        kwargs = json.loads(options.kwargs)
    except (ValueError, RecursionError):
        kwargs = None
    if not isinstance(kwargs, dict):
        raise UserError(f"--kwargs {options.kwargs}: it must be a JSON object, such as '{{\"continuous\": false}}'")
    beside()
    findings = check(options.env, kwargs)
    tables.show_findings(findings)
    return FAILED if any(finding.status == "fail" for finding in findings) else 0


def _completion(options: Options, rest: list[str]) -> int:
    from argmaxq.cli.completion import script  # here, since only completing needs what it needs

    print(script(options.shell, {name: (verb.summary, verb.arguments) for name, verb in VERBS.items()}))
    return 0


VERBS = {
    "list": Verb(_list, "recipes, environments and components", arguments.LIST),
    "train": Verb(_train, "train an agent", arguments.TRAIN),
    "study": Verb(_study, "train every combination of values, with several seeds each", arguments.STUDY),
    "tune": Verb(_tune, "look for better values, and compare the best with the recipe on fresh seeds", arguments.TUNE),
    "resume": Verb(_resume, "go on where a run stopped, also with other values of options", arguments.RESUME),
    "evaluate": Verb(_evaluate, "play greedy episodes with a trained agent", arguments.EVALUATE),
    "plot": Verb(_plot, "draw runs' curves, a run's losses, or its agent's policy, values, choices", arguments.PLOT),
    "compare": Verb(
        _compare, "which of several runs, or of a study's settings, is better, and how sure", arguments.COMPARE
    ),
    "report": Verb(
        _report,
        "a page of a run or study, or of several: curves, health, film, an episode to look into",
        arguments.REPORT,
    ),
    "watch": Verb(_watch, "see a trained agent play, in a window or a film", arguments.WATCH),
    "track": Verb(_track, "send a run, or a study's runs, to a tracker: wandb, tensorboard, ...", arguments.TRACK),
    "export": Verb(
        _export, "a trained agent as an ONNX model, as NumPy alone, or for the Hugging Face Hub", arguments.EXPORT
    ),
    "check": Verb(_check, "is this environment usable, and if not, why", arguments.CHECK),
    "completion": Verb(_completion, "a script that completes lines in a shell", arguments.COMPLETION),
}
