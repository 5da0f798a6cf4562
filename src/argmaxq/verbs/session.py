"""Training a run: from its latest checkpoint, or from the beginning, to its end, with its summary and curve."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TypeAlias

import jax

from argmaxq.components.errors import UserError, warn
from argmaxq.environments.drawn import drawable
from argmaxq.interrupts import obey, waiting
from argmaxq.lanes.masks import UNUSED, hinting
from argmaxq.recipes.recipe import Recipe
from argmaxq.reporting.curve import draw_curve
from argmaxq.reporting.following import resuming
from argmaxq.reporting.text import opening, outcome
from argmaxq.runs import checkpoint
from argmaxq.runs.changes import changes
from argmaxq.runs.files.writing import Unwritable
from argmaxq.runs.folder import CONFIG, CURVE, SUMMARY, write_json
from argmaxq.runs.formats import FROM
from argmaxq.runs.lock import locked
from argmaxq.runs.records import read
from argmaxq.runs.stretches import STRETCHES, Stretch, extended, stretches
from argmaxq.runs.summary import complete, joined, summarise
from argmaxq.runs.track import CHECKPOINTS, DIVERGED, START, Track
from argmaxq.training.block import Callback, Diverged
from argmaxq.training.engines.choose import make_engine
from argmaxq.training.engines.engine import Engine
from argmaxq.training.evaluation import LONGEST
from argmaxq.training.loop import Loop
from argmaxq.training.progress import done, progress
from argmaxq.training.standstill import foreseen
from argmaxq.verbs.changes import settled
from argmaxq.verbs.run import Run

CUT = "{cut} episodes of evaluations had not ended after {steps:,} steps and were cut there: set env.time_limit"

Callbacks: TypeAlias = Sequence[Callback]


def go(run: Run, recipe: Recipe, callbacks: Callbacks, quiet: bool, engine: Engine | None = None) -> Run:
    """Train a run from its latest checkpoint, or from the beginning, to its end; ``engine`` is that of a new run.

    Within ``noting``, a signal that came meanwhile is obeyed when all is saved and said.
    """
    say = print if not quiet else lambda text: None
    if complete(run.summary, recipe.steps):
        say(f"{run.path} is finished: nothing is left to do" + _more(run))
        return run
    say(opening(run.config, run.path))
    if engine is None and not any(checkpoint.checkpoints(each.path / CHECKPOINTS) for each in (run, *run.parts)):
        say("it has no checkpoint yet: starting from the beginning")
    try:
        with _memory_told(run):
            _train(run, recipe, callbacks, quiet, engine)
    finally:
        _draw(run, say)
        if not quiet:
            say(outcome(run.config, run.summary, run.path, drawable(recipe.env)))
    finished = run.summary.get("finished")  # nothing is known of a folder that somebody has removed meanwhile
    obey(f"{run.path} is finished" if finished else f"{resuming(run.config, run.path)} goes on from there")
    return run


def _draw(run: Run, say: Callable[[str], object]) -> None:
    """Draw the curve, if any episode has ended with a finite return."""
    try:
        shown = [part.path for part in run.parts if read(part.path, "episodes")]
        if shown:
            draw_curve(shown, run.path / CURVE)
    except Unwritable as problem:
        say(f"no curve: {problem}")
    except UserError:
        pass


@contextmanager
def _memory_told(run: Run) -> Iterator[None]:
    """Tell in one line that memory was too small; raises UserError."""
    try:
        yield
    except (MemoryError, jax.errors.JaxRuntimeError) as problem:
        if not isinstance(problem, MemoryError) and "RESOURCE_EXHAUSTED" not in str(problem):
            raise
        raise UserError(
            f"{run.path}: too little memory ({problem or 'no more was given'}): free some and resume it, or train with "
            "a smaller replay, fewer lanes or fewer seeds"
        ) from problem


def _train(run: Run, recipe: Recipe, callbacks: Callbacks, quiet: bool, engine: Engine | None) -> None:
    way = _train_in_turn if run.config["engine"] == "host" and len(run.seeds) > 1 else _train_together
    way(run, recipe, callbacks, quiet, engine)


def _more(run: Run) -> str:
    early = all(seed["stopped"] == "solved" for seed in run.summary["seeds"])
    return ", since it is solved" if early else "; --steps MORE goes on"


def _train_in_turn(run: Run, recipe: Recipe, callbacks: Callbacks, quiet: bool, engine: Engine | None) -> None:
    """One seed after another, until a signal; those that diverge are left behind."""
    faults: list[Diverged] = []
    _summarise_parts(run, recipe)
    try:
        for part in run.parts:
            if complete(part.summary, recipe.steps):
                continue
            if waiting():
                break
            try:
                with locked(part.path):
                    _train_together(part, recipe, callbacks, quiet, engine)
            except Diverged as fault:
                faults.append(fault)
            else:
                if not part.summary.get("finished"):
                    break
            engine = None
    finally:
        _summarise_parts(run, recipe)
    if len(faults) == len(run.seeds):
        raise faults[0]


def _train_together(run: Run, recipe: Recipe, callbacks: Callbacks, quiet: bool, engine: Engine | None) -> None:
    """All seeds at once, by an engine made here unless it is given."""
    with closing(engine or make_engine(run.config["engine"], recipe, run.seeds)) as made:
        owner, most = run.config.get("id"), int(recipe.evaluation.keep)
        tracks = [Track(part.path, seed, owner, most) for part, seed in zip(run.parts, run.seeds, strict=True)]
        loop = Loop(recipe, made, run.path, tracks, callbacks, _stretches(run, recipe.steps), changes(run.config))
        said: list[str] = []
        latest = checkpoint.latest(run.path / CHECKPOINTS, said.append)
        if latest is None:
            loop.begin([part.arrays(START) for part in run.parts] if FROM in run.config else ())
            said += [UNUSED[made.offered]] if recipe.env.mask == "none" != made.offered else []
        else:
            with checkpoint.restoring(latest):
                said += loop.restore(latest)
        said += settled(run, loop.step)
        _tell(loop.standstill() or foreseen(recipe, made.lanes), said, quiet)
        _summarise(run, loop, finished=False)  # so that a killed run does not pass for a finished one
        try:
            with progress(recipe.steps, quiet, start=done(loop.step, loop.tracks)) as display:
                for line in said:
                    display.say(line)
                with hinting(recipe.env.mask, lambda: made.offered):
                    loop.run(display)
        finally:
            _summarise(run, loop, loop.finished and loop.saved)
        if quiet and (cut := sum(track.cut for track in tracks)):
            warn(CUT.format(cut=cut, steps=LONGEST))


def _tell(text: str, said: list[str], quiet: bool) -> None:
    """Say what a user should know before training: a line, or in Python, where no line is shown, a warning."""
    if text and quiet:
        warn(text)
    elif text:
        said.append(text)


def _stretches(run: Run, steps: int) -> list[Stretch]:
    """How many steps the run was to have from when on; where it is to have more since, recorded before it goes on."""
    there = checkpoint.checkpoints(run.path / CHECKPOINTS)
    before = stretches(run.config)
    now = extended(before, checkpoint.step_of(there[-1]) if there else 0, steps)
    if now != before:
        run.config[STRETCHES] = now
        write_json(run.path / CONFIG, run.config)
    return now


def _summarise(run: Run, loop: Loop, finished: bool) -> None:
    """Write the summaries of seeds trained together."""
    numbers = loop.recipe.steps, loop.seconds, loop.step, finished
    for part, track in zip(run.parts, loop.tracks, strict=True):
        write_json(part.path / SUMMARY, summarise([track], *numbers))
    write_json(run.path / SUMMARY, summarise(loop.tracks, *numbers))


def _summarise_parts(run: Run, recipe: Recipe) -> None:
    """Write the summary of seeds trained one after another, as far as they have come."""
    there = [summary for part in run.parts if (summary := part.summary)]
    done = [each for each in there if complete(each, recipe.steps) or each["seeds"][0]["stopped"] == DIVERGED]
    write_json(run.path / SUMMARY, joined(there, recipe.steps, finished=len(done) == len(run.seeds)))
