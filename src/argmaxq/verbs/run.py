"""A run folder as a user has it: its recipe, its checkpoints, its policies, and how good they are."""

import dataclasses
from collections.abc import Collection, Mapping
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from argmaxq.components.component import bind
from argmaxq.components.errors import UserError
from argmaxq.components.serialisation import OWN, from_json
from argmaxq.environments.source import single
from argmaxq.exact import Judgement, allowed_of, judge, model_of
from argmaxq.lanes.spaces import Adaptor
from argmaxq.recipes.recipe import Recipe
from argmaxq.reporting.inline import run_html
from argmaxq.reporting.text import environment
from argmaxq.runs import checkpoint, spaces, trust
from argmaxq.runs.columns import columns
from argmaxq.runs.files.reading import WRONG_DATA
from argmaxq.runs.folder import CONFIG, check_seed, read_config, read_summary, seed_folder
from argmaxq.runs.formats import POLICY, SLIM, STATE, checked
from argmaxq.runs.kept import named, policies
from argmaxq.runs.track import BEST, CHECKPOINTS, POLICIES
from argmaxq.trackers.named import fetched
from argmaxq.training.evaluation import Evaluator, check_episodes, greedy, uniform
from argmaxq.training.memory import recurrent
from argmaxq.verbs.evaluated import Evaluated
from argmaxq.verbs.policy import Policy, acting, policy_params


class Run:
    """A run folder: everything that looks at training reads it.

    It is data, and checked; but an environment's id such as ``module:Id`` has a module imported when the environment
    is made, as ``recipe`` and ``evaluate`` do and ``policy`` does not, and a component of the user's own,
    ``module:Class``, wherever the agent is made. Where the run was not made on this machine by this user, that asks for
    leave: ``trust``, or ``own`` with what is named so. No module in the folder itself is ever imported.

    Args:
        path: The folder.
        own: Objects of the user's own that the run was made with, by path, such as ``{"env.id": make}``; what is given
            also stands for an id or a component that names a module, as in ``{"agent.exploration": Boltzmann(2.0)}``.
        trust: Whether the modules that the folder names may be imported, wherever the folder comes from.

    Attributes:
        config: What the folder says of itself.
        trusted: As ``trust``.

    Raises:
        UserError: it is no run folder, or its configuration is damaged.
    """

    def __init__(self, path: str | Path, own: Mapping[str, Any] | None = None, trust: bool = False) -> None:
        self.path = Path(path)
        self.config = read_config(self.path)
        self._own, self.trusted = dict(own or {}), trust

    def __repr__(self) -> str:
        config = self.config
        seeds = f"seed {self.seeds[0]}" if len(self.seeds) == 1 else f"{len(self.seeds)} seeds"
        return f"<Run {str(self.path)!r}: {config['name']} on {environment(config)}, {seeds}>"

    def _repr_html_(self) -> str:
        """What a notebook shows of it: how it went, and its curve."""
        return run_html(self.config, self.summary, self.path, [part.path for part in self.parts])

    @property
    def recipe(self) -> Recipe:
        """What was trained.

        Raises:
            UserError: it holds an object of the user's own that was not given, or names a module that is not trusted.
        """
        data, given = self.config["recipe"], self._own.get(trust.ENVIRONMENT)
        importable = self.imports()
        if given is not None and trust.module_of(data["env"]["id"]):
            data = data | {"env": data["env"] | {"id": {OWN: data["env"]["id"]}}}
            trust.check_place(trust.module_of(given), self.path)
        return self._read(data, self._own, importable)

    @property
    def adaptor(self) -> Adaptor:
        """The translation between environment and agent: of the spaces in the folder.

        Run folders of early versions hold none; there the environment is made.
        """
        env = self._abstract.env
        found = spaces.adaptor(self.config, env.choices, str(self.path / CONFIG), env.mask)
        if found is not None:
            return found
        with closing(Evaluator(self.recipe.env)) as evaluator:
            return evaluator.adaptor

    @property
    def _abstract(self) -> Recipe:
        """The recipe but for its environment, of which policies and spaces need little: no module is imported."""
        data = self.config["recipe"]
        kept = {name: value for name, value in data["env"].items() if name in ("type", "lanes", "choices", "mask")}
        own = {path: value for path, value in self._own.items() if path.partition(".")[0] != "env"}
        importable = trust.check(self.config, self.path, self.trusted, [*self._own, "env"])
        return self._read(data | {"env": kept}, own, importable)

    def _read(self, data: Mapping[str, Any], own: Mapping[str, Any], importable: Collection[str]) -> Recipe:
        """A recipe from JSON data; raises UserError."""
        try:
            recipe = from_json(data, own, importable)
        except WRONG_DATA as fault:
            if isinstance(fault, UserError):
                raise
            told = f"{type(fault).__name__}: {fault}"
            raise UserError(f"{self.path / CONFIG}: its recipe cannot be read ({told})") from fault
        if not isinstance(recipe, Recipe):
            raise UserError(f"{self.path / CONFIG}: its recipe is a {data['type']}")
        return recipe

    def imports(self) -> list[str]:
        """What making its recipe and its environment imports, ``module:Name``; raises UserError where it may not."""
        return trust.check(self.config, self.path, self.trusted, self._own)

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds trained."""
        return tuple(self.config["seeds"])

    @property
    def parts(self) -> list["Run"]:
        """The runs inside this one, one for each seed; itself alone if there is only one."""
        return [self] if len(self.seeds) == 1 else [self.seed(seed) for seed in self.seeds]

    def seed(self, seed: int) -> "Run":
        """The run of one seed of it.

        Raises:
            UserError: it has no such seed.
        """
        if seed not in self.seeds:
            raise UserError(f"{self.path} has no seed {seed}: it has {', '.join(map(str, self.seeds))}")
        if len(self.seeds) == 1:
            return self
        part = Run(seed_folder(self.path, seed), self._own, self.trusted)
        check_seed(self.config, part.config, part.path, seed)
        return part

    @property
    def summary(self) -> dict[str, Any]:
        """What became of it; empty before it first stopped."""
        return read_summary(self.path)

    def metrics(self) -> dict[str, np.ndarray]:
        """What was measured at each block, as columns [rows], with the ``seed`` in one; what is no number is NaN."""
        return self._columns("metrics")

    def episodes(self) -> dict[str, np.ndarray]:
        """Every finished training episode: ``seed``, ``episode``, ``step``, ``return`` and ``length``, [rows] each."""
        return self._columns("episodes")

    def evaluations(self) -> dict[str, np.ndarray]:
        """Every greedy evaluation: ``seed``, ``step``, ``episodes``, ``mean``, ``std``, ``min``, ``max`` [rows]."""
        return self._columns("evaluations")

    def _columns(self, kind: str) -> dict[str, np.ndarray]:
        return columns({part.seeds[0]: part.path for part in self.parts}, kind)

    def policy(self, which: str | int = BEST) -> Policy:
        """The greedy policy of a checkpoint: best, last, or that of a step. It needs no environment."""
        adaptor, recipe = self.adaptor, self._abstract
        params = policy_params(recipe.agent, adaptor.spaces, self.arrays(which), recipe.env.lanes)
        return Policy(recipe.agent, params, adaptor)

    def evaluate(
        self, episodes: int = 100, seed: int = 1, which: str | int = BEST, env: str | None = None
    ) -> Evaluated:
        """Play greedy episodes on the original environment, and as many random ones that begin alike.

        Or on another one, ``env``, which is made with the same arguments.

        Raises:
            UserError: that has other observations or actions, or no such number of episodes can be played.
        """
        check_episodes(episodes, seed)
        recipe = self.recipe
        evaluator = Evaluator(recipe.env if env is None else dataclasses.replace(recipe.env, id=env))
        try:
            if env is not None and evaluator.spaces != self.adaptor.spaces:
                raise UserError(f"{env}: it has other observations or actions than what {self.path} was trained on")
            params = policy_params(recipe.agent, evaluator.spaces, self.arrays(which), recipe.env.lanes)
            best = greedy(bind(recipe.agent, evaluator.spaces), params, evaluator.spaces)
            played = evaluator.play(best, episodes, [seed, 2])
            random = evaluator.play(uniform(evaluator.spaces, [seed, 3]), episodes, [seed, 2])
        finally:
            evaluator.close()
        success = None if played.success is None else float(played.success.mean())
        return Evaluated(tuple(map(float, played.returns)), float(random.returns.mean()), success, played.cut)

    def export(self, to: str, out: str | Path | None = None, **options: Any) -> Path:
        """Write its policy for use elsewhere, ``to`` onnx, policy or hf, and return where; see ``argmaxq.export``."""
        write = import_module("argmaxq.exports.export").export  # by name, since exports stand on a floor above
        written: Path = write(self, to, out, **options)
        return written

    def judge(self, which: str | int = BEST) -> Judgement:
        """Compare what was learnt with the exact solution of an environment that has transition tables.

        At the agent's own discount.

        Raises:
            UserError: there are no tables, or no values to compare.
        """
        recipe = self.recipe
        env = single(recipe.env)
        model, allowed = model_of(env), None if recipe.env.mask == "none" else allowed_of(env)
        env.close()
        policy, gamma = self.policy(which), getattr(recipe.agent, "gamma", None)
        if gamma is None or recurrent(policy.agent) or not hasattr(policy.agent, "values"):
            raise UserError(f"{self.path}: its agent has no discounted action values of single states to compare")
        first = int(getattr(policy.adaptor.source[0], "start", 0))
        values = policy.values(first + np.arange(model.states), allowed)
        return judge(model, values.astype(np.float64), float(gamma), allowed)

    def checkpoints(self) -> dict[str, Path]:
        """The folders of all checkpoints: best, last, start, and those of steps, each of which can be evaluated.

        Raises:
            UserError: it holds several runs.
        """
        if len(self.seeds) > 1:
            one = f"{self.parts[0].path}, in Python run.seed({self.seeds[0]})"
            raise UserError(f"{self.path} holds {len(self.seeds)} runs: name one of them, such as {one}")
        folder = self.path / CHECKPOINTS
        states = {str(checkpoint.step_of(path)): path for path in checkpoint.checkpoints(folder)}
        kept = {str(step): path for step, path in policies(folder).items()}
        steps = sorted((states | kept).items(), key=lambda each: int(each[0]))
        return {name: folder / name for name in POLICIES if (folder / name).is_dir()} | dict(steps)

    def checkpoint(self, which: str | int = BEST) -> Path:
        """The folder of a checkpoint: best, last, or that of a step. Of a slim copy, best is the one that it has.

        Raises:
            UserError: there is no such checkpoint; it says which there are.
        """
        which = self.config.get(SLIM, which) if which == BEST else which
        return named(str(which), self.checkpoints(), self.path)

    def step(self, which: str | int = BEST) -> int:
        """The env step at which a checkpoint was made."""
        path = self.checkpoint(which)
        if checkpoint.step_of(path) >= 0:
            return checkpoint.step_of(path)
        return int(self._checked(path, checkpoint.verify(path))["step"])

    def arrays(self, which: str | int = BEST) -> dict[str, np.ndarray]:
        """The acting parameters of a checkpoint, by name, each of its own shape [...]."""
        path = self.checkpoint(which)
        arrays, meta = checkpoint.load(path)
        self._checked(path, meta)
        return acting(arrays)

    def _checked(self, path: Path, meta: dict[str, Any]) -> dict[str, Any]:
        """What a checkpoint says of itself, if it is this run's."""
        checked(STATE if checkpoint.step_of(path) >= 0 else POLICY, meta, path)
        checkpoint.check_owner(path, meta, self.config.get("id"), self.seeds)
        return meta


def load(
    path: str | Path, which: str | int = BEST, own: Mapping[str, Any] | None = None, *, trust: bool = False
) -> Policy:
    """The policy of a run: raw observations in, the environment's own actions out.

    It is made of the folder alone, which is data: the environment is neither made nor imported, and need not be
    installed. Only for a folder of an early version, which does not hold the spaces, is it made. What the folder has
    imported, such as the module of a component ``module:Class``, asks for leave where the run was not made on this
    machine by this user: ``trust``, or what is named so, as in ``Run``.

    Args:
        path: The run's folder; or ``wandb:entity/project/name:best``, an artifact of a tracker, or ``hf:owner/name``, a
            repository of the Hugging Face hub, which are downloaded and are data, too.
        which: Its checkpoint: best, last, or that of a step.
        own: Objects of the user's own that the agent was made with, by path, such as ``agent.network.module``.
        trust: Whether a module that the folder names may be imported.

    Raises:
        UserError: one line.

    Examples:
        >>> policy = aq.load("runs/cliff")
        >>> int(policy(36))  # from the start, up
        0
        >>> policy.values(36).shape
        (4,)
    """
    return Run(fetched(str(path)) or path, own, trust).policy(which)
