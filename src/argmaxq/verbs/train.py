"""The verbs that learn: train and resume."""

import dataclasses
import uuid
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from operator import index
from pathlib import Path
from typing import Any

from argmaxq.components.checks import validate
from argmaxq.components.component import remarks
from argmaxq.components.errors import UserError, warn
from argmaxq.components.paths import paths
from argmaxq.components.serialisation import OWN, to_json
from argmaxq.devices import using
from argmaxq.environments.env import Env
from argmaxq.environments.source import compiled
from argmaxq.environments.survey import Survey, survey
from argmaxq.interrupts import noting
from argmaxq.networks.convolutional.images import is_picture
from argmaxq.recipes import Given, choose
from argmaxq.recipes.recipe import Recipe
from argmaxq.roles import heavy
from argmaxq.runs import trust as trusting
from argmaxq.runs.folder import make_folder, write_configs
from argmaxq.runs.formats import SLIM
from argmaxq.runs.lock import locked
from argmaxq.runs.spaces import written as spaces_written
from argmaxq.runs.versions import environment_report
from argmaxq.setup import start_jax
from argmaxq.training.block import Callback
from argmaxq.training.engines.choose import EngineName, engine_kind, hints, make_engine
from argmaxq.training.feasibility import sizes
from argmaxq.verbs.changes import changed, follow, record, reopen, standing, told
from argmaxq.verbs.run import Run
from argmaxq.verbs.session import go
from argmaxq.verbs.source import Beginning, Source, beginning, chosen_source
from argmaxq.verbs.tracking import TrackingLike, tracked, trackings

MOST_SEEDS = 10_000
"""Each has a folder of its own, and records."""


def train(
    recipe: str | Recipe,
    *,
    env: Any = None,
    env_kwargs: Mapping[str, Any] | None = None,
    start_from: Run | str | Path | None = None,
    from_checkpoint: str | int | None = None,
    engine: EngineName = "auto",
    seed: int = 0,
    seeds: int | Sequence[int] = 1,
    steps: int | None = None,
    out: str | Path | None = None,
    device: str | None = None,
    callbacks: Sequence[Callback] = (),
    track: TrackingLike = (),
    quiet: bool = True,
    name: str = "",
) -> Run:
    """Train a recipe, by name or as a value, and return its run.

    Args:
        recipe: A name such as ``cartpole/dqn``; ``dqn``, ``pqn``, ``bdq``, ``pdqn`` or ``td`` for what suits ``env``;
            or a ``Recipe``.
        env: An environment's id, or a callable that makes one; the recipe's own by default. On another one than its
            own a recipe loses what belongs to that: see ``recipes.choose``.
        env_kwargs: Arguments for making it.
        start_from: A run, or its folder, whose network this one begins with, array by array where names and shapes
            fit; what did not fit is said, and stands in the configuration. Of several seeds each begins with its own.
        from_checkpoint: Which of that run's checkpoints: best, which is the default, last, or that of a step.
        engine: ``compiled``, ``host``, or ``auto``, which compiles where the environment allows it.
        seed: The first seed.
        seeds: How many seeds, ``seed``, ``seed + 1``, ...; or the seeds themselves.
        steps: Env steps; the recipe's own number by default.
        out: The run folder, which must not exist; by default a new one below ``runs``.
        device: ``cpu``, ``gpu``, ``tpu``, ``cuda:1``; JAX's own choice by default.
        callbacks: Called at each block's end; one that returns True ends the run.
        track: Trackers that the run is sent to meanwhile: ``"wandb"``, or a ``Tracking`` that also says how, or
            several. What one of them cannot take is a warning.
        quiet: Show no progress.
        name: What the run is called; the recipe's name by default.

    Raises:
        UserError: one line, for anything a user can mend.
        Diverged: the numbers of every seed are no longer finite.
        KeyboardInterrupt: Ctrl-C, after what was done is saved; a second one does not wait for that.
        Terminated: SIGTERM, likewise: a ``SystemExit`` with status 143.

    Examples:
        >>> run = aq.train("cliff/q", steps=2_000, out="runs/cliff")
        >>> run.evaluate(episodes=5).mean
        -13.0
    """
    values = {"env.id": env, "env.kwargs": env_kwargs and dict(env_kwargs), "steps": steps}
    return train_given(
        recipe, [(path, value) for path, value in values.items() if value is not None],
        name=name or (recipe if isinstance(recipe, str) else "own"), engine=engine, seed=seed, seeds=seeds, out=out,
        device=device, callbacks=callbacks, quiet=quiet, track=track,
        source=chosen_source(start_from, from_checkpoint),
    )  # fmt: skip


def train_given(
    recipe: str | Recipe,
    given: Given,
    *,
    name: str,
    engine: EngineName,
    seed: int,
    seeds: int | Sequence[int],
    out: str | Path | None,
    device: str | None,
    quiet: bool,
    callbacks: Sequence[Callback] = (),
    source: Source | None = None,
    track: TrackingLike = (),
) -> Run:
    """``train`` with any values of the user's own, by path; unless ``quiet`` it says what was chosen beside them.

    Raises:
        UserError: whatever ``train`` raises, likewise.
    """

    def look(env: Env) -> Survey:
        made = compiled(env) if engine_kind(env, engine) == "compiled" else None
        if made:  # it is played by JAX; any other one before JAX starts, which is when the network is known
            start_jax(len(numbers), is_picture(made.spaces.observation))
        played.append(survey(env))
        return played[-1]

    played: list[Survey] = []
    numbers, followers = seed_numbers(seed, seeds), trackings(track)
    chosen = choose(recipe, given, look)
    value = validate(chosen.recipe)
    kind = engine_kind(value.env, engine)
    together = len(numbers) if kind == "compiled" else 1
    with using(device, together, heavy(value.agent)), noting(), ExitStack() as undoing:
        made = make_engine(kind, value, numbers if kind == "compiled" else numbers[:1])
        undoing.callback(made.close)
        kept = sizes(value, made.spaces, len(numbers) if kind == "compiled" else 1)
        ending = any(found.episodes for found in played)
        told_of = [*chosen.said, *kept, *remarks(value.agent, made.spaces), *hints(made, value.env, ending)]
        for line in [] if quiet else told_of:
            print(line)
        warm = source and beginning(source, value.agent, made.spaces, value.env.lanes, numbers)
        if warm and quiet and not warm.whole:
            warn(warm.said)
        elif warm and not quiet:
            print(warm.said)
        config = {"name": name, "engine": kind, "seeds": list(numbers), "device_asked": device}
        run = _new_run(value, config | (spaces_written(*made.native) if made.native else {}), out, warm)
        for line in [] if quiet else trusting.remark(run.config):
            print(line)
        with locked(run.path), tracked(run, followers, quiet):
            undoing.pop_all()  # from here on it is closed by who trains
            return go(run, value, callbacks, quiet, made)


def seed_numbers(seed: int, seeds: int | Sequence[int]) -> tuple[int, ...]:
    """All seeds, in order, of a first one and a number, or as they are listed.

    Raises:
        UserError: they are no whole numbers from 0 on, or there is none, or one is there twice.
    """
    listed: Any = seeds
    if isinstance(seeds, int) and seeds > MOST_SEEDS:
        raise UserError(f"seeds = {seeds}: at most {MOST_SEEDS:,} in one run")
    try:
        numbers = [index(each) for each in (listed if isinstance(seeds, Iterable) else range(seed, seed + listed))]
    except TypeError:
        numbers = []
    if not numbers or min(numbers) < 0 or max(numbers) >= 2**31 or len({*numbers}) < len(numbers):
        raise UserError(
            f"seed = {seed}, seeds = {seeds}: a seed is a whole number from 0 on; seeds is how many there are, at "
            "least 1, or a list of different ones"
        )
    return tuple(numbers)


def resume(
    path: str | Path,
    values: Mapping[str, Any] | None = None,
    *,
    steps: int = 0,
    device: str | None = None,
    own: Mapping[str, Any] | None = None,
    trust: bool = False,
    callbacks: Sequence[Callback] = (),
    track: TrackingLike = (),
    quiet: bool = True,
) -> Run:
    """Go on with a run where its latest checkpoint stands, bit for bit, for ``steps`` more than it was to have.

    Other ``values`` by path, such as ``{"agent.optimiser.learning_rate": 1e-4}``, hold from there on: any with which
    the saved state keeps its shapes. They are recorded with that step, and it is no longer the run it would have been.
    ``own`` gives again, by path, the objects of the user's own that the run was made with, as ``{"env.id": make}``.
    ``trust`` lets a run folder from elsewhere name modules to import, see ``Run``. The device is the one
    that training was asked to use. ``track`` is as in ``train``: a tracker that had the run goes on with it.

    Raises:
        UserError: one line, for anything a user can mend; whatever else ``train`` raises, likewise.

    Examples:
        >>> run = aq.resume("runs/cliff", steps=1_000)
        >>> run.recipe.steps
        3000
    """
    run = Run(path, own, trust)
    if SLIM in run.config:
        raise UserError(f"{path} is a slim copy, of a policy alone: resume the run itself, or train --from {path}")
    if "study" in run.config:
        raise UserError(f"{path} is part of the study {run.config['study']}, which is resumed as a whole")
    if "part_of" in run.config:
        raise UserError(f"{path} is one seed of a run that is resumed as a whole: resume {run.path.parent}")
    if steps < 0:
        raise UserError(f"steps = {steps}: how many more, so at least 0")
    recipe = run.recipe
    followers = trackings(track)
    together = len(run.seeds) if run.config["engine"] == "compiled" else 1
    with using(device or run.config.get("device_asked"), together, heavy(recipe.agent)), noting(), locked(run.path):
        follow(run, recipe)
        recipe, change = changed(run, recipe, values or {}, steps)
        recipe = validate(dataclasses.replace(recipe, steps=recipe.steps + steps))
        for line in told(change, standing(run)) if change.values and not quiet else []:
            print(line)
        if change.values:
            reopen(run)
        if steps or change.values:
            record(run, recipe, change)
        with tracked(run, followers, quiet):
            return go(run, recipe, callbacks, quiet)


def _new_run(recipe: Recipe, config: dict[str, Any], out: str | Path | None, warm: Beginning | None) -> Run:
    config = {"id": uuid.uuid4().hex} | config | {"recipe": to_json(recipe)} | environment_report()
    folder = make_folder(out, config["name"])
    if warm is not None:  # before the configuration, which makes it a run: so no run is without its beginning
        warm.save(folder, config["id"], config["seeds"])
        config |= warm.config
    write_configs(folder, trusting.signed(config))
    saved = [(place, to_json(place.value)) for place in paths(recipe)]
    own = {place.path: place.value for place, data in saved if isinstance(data, dict) and data.keys() == {OWN}}
    return Run(folder, own, trust=True)
