"""Run folders and the verbs on them: train, resume, load, evaluate."""

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np

from argmaxq.component import UserError, validate
from argmaxq.environments.source import compiled, host
from argmaxq.paths import replace
from argmaxq.policy import Policy, policy_params
from argmaxq.recipe import Recipe
from argmaxq.recipes import find
from argmaxq.reporting.curve import draw_curve
from argmaxq.serialisation import from_json, to_json
from argmaxq.training import checkpoint
from argmaxq.training.compiled import CompiledEngine
from argmaxq.training.engine import Engine
from argmaxq.training.evaluation import Evaluator, greedy, uniform
from argmaxq.training.host import HostEngine
from argmaxq.training.loop import Callback, Diverged, Loop, summarise
from argmaxq.training.progress import Progress, progress
from argmaxq.training.track import BEST, CHECKPOINTS, Track, statistics, write_json
from argmaxq.training.versions import environment_report

EngineName = Literal["auto", "compiled", "host"]
CONFIG, SUMMARY, CURVE = "config.json", "summary.json", "curve.png"


@dataclasses.dataclass(frozen=True)
class Evaluated:
    """Returns of whole greedy episodes, and the random policy's mean on episodes that begin alike."""

    returns: tuple[float, ...]
    random: float

    @property
    def mean(self) -> float:
        """Mean return."""
        return float(np.mean(self.returns))

    def to_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        numbers = statistics(np.array(self.returns))
        return {"episodes": len(self.returns), **numbers, "returns": list(self.returns), "random": self.random}


class Run:
    """A run folder: everything that looks at training reads it."""

    def __init__(self, path: str | Path, own: Mapping[str, Any] | None = None) -> None:
        self.path = Path(path)
        file = self.path / CONFIG
        if not file.is_file():
            raise UserError(f"{self.path} is no run folder: it has no {CONFIG}")
        try:
            self.config: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        except ValueError:
            raise UserError(f"{file} is not JSON: it was changed or cut; restore it") from None
        self._own = dict(own or {})

    @property
    def recipe(self) -> Recipe:
        """What was trained; raises UserError where it holds an object of the user's own that was not given."""
        recipe: Recipe = from_json(self.config["recipe"], self._own)
        return recipe

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds trained."""
        return tuple(self.config["seeds"])

    @property
    def parts(self) -> list["Run"]:
        """The runs inside this one, one for each seed; itself alone if there is only one."""
        if len(self.seeds) == 1:
            return [self]
        return [Run(self.path / f"seed-{seed}", self._own) for seed in self.seeds]

    @property
    def summary(self) -> dict[str, Any]:
        """What became of it; empty before it first stopped."""
        file = self.path / SUMMARY
        return dict(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else {}

    def policy(self, which: str = BEST) -> Policy:
        """The greedy policy of a checkpoint: best, last, or that of a step."""
        recipe, params = self.recipe, self._params(which)
        evaluator = Evaluator(recipe.env)
        try:
            return Policy(recipe.agent, params(evaluator.spaces), evaluator.adaptor)
        finally:
            evaluator.close()

    def evaluate(self, episodes: int = 100, seed: int = 1, which: str = BEST) -> Evaluated:
        """Play greedy episodes on the original environment, and as many random ones that begin alike."""
        if episodes < 1:
            raise UserError(f"episodes = {episodes}: at least one is needed")
        recipe = self.recipe
        evaluator = Evaluator(recipe.env)
        try:
            params = self._params(which)(evaluator.spaces)
            returns = evaluator.play(greedy(recipe.agent, params), episodes, [seed, 2])
            random = evaluator.play(uniform(evaluator.spaces.action.n, [seed, 3]), episodes, [seed, 2])
        finally:
            evaluator.close()
        return Evaluated(tuple(map(float, returns)), float(random.mean()))

    def _params(self, which: str) -> Any:
        if len(self.seeds) > 1:
            raise UserError(f"{self.path} holds {len(self.seeds)} runs: name one of them, such as {self.parts[0].path}")
        folder = self.path / CHECKPOINTS
        name = which if which in (BEST, "last") else f"step-{int(which):09d}" if which.isdigit() else ""
        if not name:
            raise UserError(f"checkpoint {which!r}: it must be best, last or a step")
        if not (folder / name).exists():
            there = sorted(path.name for path in folder.glob("*") if path.is_dir())
            raise UserError(f"{self.path} has no checkpoint {which}: there are {', '.join(there) or 'none'}")
        agent, arrays = self.recipe.agent, checkpoint.load(folder / name)[0]
        return lambda spaces: policy_params(agent, spaces, arrays)


def train(
    recipe: str | Recipe,
    *,
    env: Any = None,
    env_kwargs: Mapping[str, Any] | None = None,
    engine: EngineName = "auto",
    seed: int = 0,
    seeds: int = 1,
    steps: int | None = None,
    out: str | Path | None = None,
    callbacks: Sequence[Callback] = (),
    quiet: bool = True,
    name: str = "",
) -> Run:
    """Train a recipe, by name or as a value, and return its run.

    Args:
        recipe: A name such as ``cartpole/dqn``, or a ``Recipe``.
        env: An environment's id, or a callable that makes one; the recipe's own by default.
        env_kwargs: Arguments for making it.
        engine: ``compiled``, ``host``, or ``auto``, which compiles where the environment allows it.
        seed: The first seed.
        seeds: How many seeds, ``seed``, ``seed + 1``, ...
        steps: Env steps; the recipe's own number by default.
        out: The run folder, which must not exist; by default a new one below ``runs``.
        callbacks: Called at each block's end; one that returns True ends the run.
        quiet: Show no progress.
        name: What the run is called; the recipe's name by default.

    Raises:
        UserError: one line, for anything a user can mend.
    """
    name = name or (recipe if isinstance(recipe, str) else "own")
    value = find(recipe) if isinstance(recipe, str) else recipe
    changes = {"env.id": env, "env.kwargs": env_kwargs and dict(env_kwargs), "steps": steps}
    value = validate(replace(value, {path: new for path, new in changes.items() if new is not None}))
    if seeds < 1 or seed < 0 or seed + seeds > 2**31:
        raise UserError(f"seed = {seed}, seeds = {seeds}: seeds are whole numbers from 0 on, at least one of them")
    numbers = tuple(range(seed, seed + seeds))
    kind = _engine_kind(value, engine)
    folder = _new_folder(out, name)
    config = {"name": name, "recipe": to_json(value), "engine": kind, "seeds": list(numbers), **environment_report()}
    _write_configs(folder, config, numbers)
    own = _own(value)
    return _go(Run(folder, own), value, callbacks, quiet)


def resume(
    path: str | Path, *, steps: int = 0, own: Mapping[str, Any] | None = None, callbacks: Sequence[Callback] = (),
    quiet: bool = True,
) -> Run:
    """Go on with a run where its latest checkpoint stands, bit for bit, for ``steps`` more than it was to have.

    ``own`` gives again, by path, the objects of the user's own that the run was made with, as ``{"env.id": make}``.
    """
    run = Run(path, own)
    if "part_of" in run.config:
        raise UserError(f"{path} is one seed of a run that is resumed as a whole: resume {run.path.parent}")
    if steps < 0:
        raise UserError(f"steps = {steps}: how many more, so at least 0")
    recipe = run.recipe
    if steps:
        recipe = validate(dataclasses.replace(recipe, steps=recipe.steps + steps))
        run.config["recipe"] = to_json(recipe)
        write_json(run.path / CONFIG, run.config)
        for part in run.parts:
            write_json(part.path / CONFIG, part.config | {"recipe": run.config["recipe"]})
    return _go(run, recipe, callbacks, quiet)


def load(path: str | Path, which: str = BEST, own: Mapping[str, Any] | None = None) -> Policy:
    """The policy of a run: raw observations in, the environment's own actions out."""
    return Run(path, own).policy(which)


def _engine_kind(recipe: Recipe, wish: EngineName) -> str:
    if wish not in ("auto", "compiled", "host"):
        raise UserError(f"engine = {wish!r}: it must be auto, compiled or host")
    possible = compiled(recipe.env) is not None
    if wish == "compiled" and not possible:
        raise UserError(f"{recipe.env.id} with these options has no compiled form here: use --engine host or auto")
    return "compiled" if possible and wish != "host" else "host"


def _new_folder(out: str | Path | None, name: str) -> Path:
    """Make the run folder: ``out``, which must be new or empty, or the first free one below ``runs``."""
    if out is not None:
        folder = Path(out)
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UserError(f"{folder} exists and is not overwritten: choose another --out, or resume it")
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    base = Path("runs") / name.replace("/", "-")
    number = 1
    while True:
        folder = base if number == 1 else base.with_name(f"{base.name}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            number += 1
        else:
            return folder


def _write_configs(folder: Path, config: dict[str, Any], seeds: tuple[int, ...]) -> None:
    if len(seeds) > 1:
        for seed in seeds:
            part = folder / f"seed-{seed}"
            part.mkdir()
            alone = config["engine"] == "host"
            write_json(part / CONFIG, config | {"seeds": [seed]} | ({} if alone else {"part_of": folder.name}))
    write_json(folder / CONFIG, config)


def _own(recipe: Recipe) -> dict[str, Any]:
    """The objects of a recipe that its JSON cannot hold, by path."""
    from argmaxq.paths import paths

    return {
        place.path: place.value
        for place in paths(recipe)
        if isinstance(data := to_json(place.value), dict) and data.keys() == {"own"}
    }


def _go(run: Run, recipe: Recipe, callbacks: Sequence[Callback], quiet: bool) -> Run:
    """Train a run from its latest checkpoint, or from the beginning, to its end."""
    if run.config["engine"] == "host" and len(run.seeds) > 1:
        parts = [_go(part, recipe, callbacks, quiet) for part in run.parts]
        write_json(run.path / SUMMARY, _joined([part.summary for part in parts]))
    else:
        _train_one(run, recipe, callbacks, quiet)
    draw_curve([part.path for part in run.parts], run.path / CURVE)
    return run


def _train_one(run: Run, recipe: Recipe, callbacks: Sequence[Callback], quiet: bool) -> None:
    engine = _engine(run, recipe)
    tracks = [Track(part.path, seed) for part, seed in zip(run.parts, run.seeds, strict=True)]
    loop = Loop(recipe, engine, run.path, tracks, callbacks)
    said: list[str] = []
    latest = checkpoint.latest(run.path / CHECKPOINTS, said.append)
    if latest is not None:
        said += loop.restore(latest)
    else:
        loop.begin()
    display = progress(recipe.steps, quiet, start=loop.step)
    if run.summary.get("finished") and loop.finished:
        display.say(f"{run.path} is finished: {recipe.steps} steps are done; give --steps MORE to go on")
        engine.close()
        return
    try:
        with display:
            for line in said:
                display.say(line)
            loop.run(display)
    finally:
        write_json(run.path / SUMMARY, summarise(tracks, loop.seconds, loop.step, loop.finished))
        engine.close()


def _engine(run: Run, recipe: Recipe) -> Engine:
    if run.config["engine"] == "compiled":
        functional = compiled(recipe.env)
        assert functional is not None
        return CompiledEngine(recipe.agent, functional, recipe.env.lanes, run.seeds)
    evaluator = Evaluator(recipe.env)
    seed = run.seeds[0]

    def evaluate(params: Any, episodes: int, number: int) -> np.ndarray:
        return evaluator.play(greedy(recipe.agent, params), episodes, [seed, 1, number])

    return HostEngine(recipe.agent, host(recipe.env), seed, evaluate)


def _joined(summaries: list[dict[str, Any]]) -> dict[str, Any]:
    """The summary of runs made one after another."""
    seconds = math.fsum(each["training_seconds"] for each in summaries)
    steps = sum(each["step"] for each in summaries)
    seeds = [seed for each in summaries for seed in each["seeds"]]
    bests = np.array([seed["best"]["mean"] for seed in seeds if seed["best"]])
    rate = {"training_seconds": round(seconds, 3), "steps_per_second": round(steps / max(seconds, 1e-9), 1)}
    best = {"best": statistics(bests)} if len(bests) else {}
    finished = all(each["finished"] for each in summaries)
    return {"finished": finished, "step": max(each["step"] for each in summaries), **rate, **best, "seeds": seeds}
