"""Run folders and the verbs on them: train, resume, load, evaluate."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from argmaxq.component import UserError, bind, remarks, validate
from argmaxq.environments.source import single
from argmaxq.exact import Judgement, judge, model_of
from argmaxq.paths import paths, replace
from argmaxq.policy import Policy, policy_params
from argmaxq.recipe import Recipe
from argmaxq.recipes import find
from argmaxq.serialisation import OWN, from_json, to_json
from argmaxq.training import checkpoint
from argmaxq.training.choose import EngineName, engine_kind, make_engine
from argmaxq.training.devices import using
from argmaxq.training.evaluation import Evaluator, greedy, uniform
from argmaxq.training.folder import CONFIG, SUMMARY, make_folder, write_configs
from argmaxq.training.lock import locked
from argmaxq.training.loop import Callback
from argmaxq.training.session import go
from argmaxq.training.track import BEST, CHECKPOINTS, LAST, statistics, write_json
from argmaxq.training.versions import environment_report


@dataclasses.dataclass(frozen=True)
class Evaluated:
    """Returns of whole greedy episodes, and the random policy's mean on episodes that begin alike.

    ``success`` is the share of episodes that end with ``info["success"]``, where the environment says so.
    """

    returns: tuple[float, ...]
    random: float
    success: float | None = None

    @property
    def mean(self) -> float:
        """Mean return."""
        return float(np.mean(self.returns))

    def to_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        numbers = statistics(np.array(self.returns))
        found = {"episodes": len(self.returns), **numbers, "returns": list(self.returns), "random": self.random}
        return found if self.success is None else found | {"success": self.success}


class Run:
    """A run folder: everything that looks at training reads it."""

    def __init__(self, path: str | Path, own: Mapping[str, Any] | None = None) -> None:
        self.path = Path(path)
        file = self.path / CONFIG
        if not file.is_file():
            missing = f"it has no {CONFIG}" if self.path.is_dir() else "it does not exist"
            raise UserError(f"{self.path} is no run folder: {missing}")
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

    def policy(self, which: str | int = BEST) -> Policy:
        """The greedy policy of a checkpoint: best, last, or that of a step."""
        recipe, params = self.recipe, self._params(which)
        evaluator = Evaluator(recipe.env)
        try:
            return Policy(recipe.agent, params(evaluator.spaces), evaluator.adaptor)
        finally:
            evaluator.close()

    def evaluate(self, episodes: int = 100, seed: int = 1, which: str | int = BEST) -> Evaluated:
        """Play greedy episodes on the original environment, and as many random ones that begin alike."""
        if episodes < 1:
            raise UserError(f"episodes = {episodes}: at least one is needed")
        if seed < 0:
            raise UserError(f"seed = {seed}: it must be at least 0")
        recipe = self.recipe
        evaluator = Evaluator(recipe.env)
        try:
            params = self._params(which)(evaluator.spaces)
            played = evaluator.play(greedy(bind(recipe.agent, evaluator.spaces), params), episodes, [seed, 2])
            random = evaluator.play(uniform(evaluator.spaces.action, [seed, 3]), episodes, [seed, 2])
        finally:
            evaluator.close()
        success = None if played.success is None else float(played.success.mean())
        return Evaluated(tuple(map(float, played.returns)), float(random.returns.mean()), success)

    def judge(self, which: str | int = BEST) -> Judgement:
        """Compare what was learnt with the exact solution of an environment that has transition tables.

        At the agent's own discount. Raises UserError where there are no tables, or no values to compare.
        """
        env = single(self.recipe.env)
        model = model_of(env)
        env.close()
        policy, gamma = self.policy(which), getattr(self.recipe.agent, "gamma", None)
        if gamma is None or not hasattr(policy.agent, "values"):
            raise UserError(f"{self.path}: its agent has no discounted action values to compare")
        return judge(model, policy.values(np.arange(model.states, dtype=np.int32)).astype(np.float64), float(gamma))

    def checkpoint(self, which: str | int = BEST) -> Path:
        """The folder of a checkpoint: best, last, or that of a step.

        Raises:
            UserError: there is no such checkpoint; it says which there are.
        """
        if len(self.seeds) > 1:
            raise UserError(f"{self.path} holds {len(self.seeds)} runs: name one of them, such as {self.parts[0].path}")
        folder = self.path / CHECKPOINTS
        steps = {str(int(path.name.removeprefix("step-"))): path for path in checkpoint.checkpoints(folder)}
        there = {name: folder / name for name in (BEST, LAST) if (folder / name).is_dir()} | steps
        if str(which) not in there:
            kinds = f"there are {', '.join(there)}" if there else "there are none yet"
            raise UserError(f"{self.path} has no checkpoint {which}: {kinds}")
        return there[str(which)]

    def step(self, which: str | int = BEST) -> int:
        """The env step at which a checkpoint was made."""
        path = self.checkpoint(which)
        return int(checkpoint.verify(path)["step"] if path.name in (BEST, LAST) else path.name.removeprefix("step-"))

    def _params(self, which: str | int) -> Any:
        agent, arrays = self.recipe.agent, checkpoint.load(self.checkpoint(which))[0]
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
    device: str | None = None,
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
        device: ``cpu``, ``gpu``, ``tpu``, ``cuda:1``; JAX's own choice by default.
        callbacks: Called at each block's end; one that returns True ends the run.
        quiet: Show no progress.
        name: What the run is called; the recipe's name by default.

    Raises:
        UserError: one line, for anything a user can mend.
        Diverged: the numbers of every seed are no longer finite.
    """
    name = name or (recipe if isinstance(recipe, str) else "own")
    value = find(recipe) if isinstance(recipe, str) else recipe
    changes = {"env.id": env, "env.kwargs": env_kwargs and dict(env_kwargs), "steps": steps}
    value = validate(replace(value, {path: new for path, new in changes.items() if new is not None}))
    if seeds < 1 or seed < 0 or seed + seeds > 2**31:
        raise UserError(f"seed = {seed}, seeds = {seeds}: seeds are whole numbers from 0 on, at least one of them")
    numbers = tuple(range(seed, seed + seeds))
    kind = engine_kind(value, engine)
    with using(device, seeds if kind == "compiled" else 1):
        made = make_engine(kind, value, numbers if kind == "compiled" else numbers[:1])
        for line in [] if quiet else remarks(value.agent, made.spaces):
            print(line)
        run = _new_run(value, {"name": name, "engine": kind, "seeds": list(numbers), "device_asked": device}, out)
        with locked(run.path):
            return go(run, value, callbacks, quiet, made)


def resume(
    path: str | Path,
    *,
    steps: int = 0,
    device: str | None = None,
    own: Mapping[str, Any] | None = None,
    callbacks: Sequence[Callback] = (),
    quiet: bool = True,
) -> Run:
    """Go on with a run where its latest checkpoint stands, bit for bit, for ``steps`` more than it was to have.

    ``own`` gives again, by path, the objects of the user's own that the run was made with, as ``{"env.id": make}``.
    The device is the one that training was asked to use.
    """
    run = Run(path, own)
    if "part_of" in run.config:
        raise UserError(f"{path} is one seed of a run that is resumed as a whole: resume {run.path.parent}")
    if steps < 0:
        raise UserError(f"steps = {steps}: how many more, so at least 0")
    recipe = run.recipe
    together = len(run.seeds) if run.config["engine"] == "compiled" else 1
    with using(device or run.config.get("device_asked"), together), locked(run.path):
        if steps:
            recipe = validate(dataclasses.replace(recipe, steps=recipe.steps + steps))
            run.config["recipe"] = to_json(recipe)
            write_json(run.path / CONFIG, run.config)
            for part in run.parts[len(run.seeds) == 1 :]:
                write_json(part.path / CONFIG, part.config | {"recipe": run.config["recipe"]})
        return go(run, recipe, callbacks, quiet)


def load(path: str | Path, which: str | int = BEST, own: Mapping[str, Any] | None = None) -> Policy:
    """The policy of a run: raw observations in, the environment's own actions out."""
    return Run(path, own).policy(which)


def _new_run(recipe: Recipe, config: dict[str, Any], out: str | Path | None) -> Run:
    folder = make_folder(out, config["name"])
    write_configs(folder, config | {"recipe": to_json(recipe)} | environment_report())
    saved = [(place, to_json(place.value)) for place in paths(recipe)]
    own = {place.path: place.value for place, data in saved if isinstance(data, dict) and data.keys() == {OWN}}
    return Run(folder, own)
