"""A run folder as a user has it: its recipe, its checkpoints, its policies, and how good they are."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from argmaxq.components.component import bind
from argmaxq.components.errors import UserError
from argmaxq.components.serialisation import from_json
from argmaxq.environments.source import single
from argmaxq.exact import Judgement, judge, model_of
from argmaxq.recipes.recipe import Recipe
from argmaxq.runs import checkpoint
from argmaxq.runs.folder import CONFIG, SUMMARY
from argmaxq.runs.track import BEST, CHECKPOINTS, LAST, statistics
from argmaxq.training.evaluation import Evaluator, greedy, uniform
from argmaxq.verbs.policy import Policy, policy_params


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


def load(path: str | Path, which: str | int = BEST, own: Mapping[str, Any] | None = None) -> Policy:
    """The policy of a run: raw observations in, the environment's own actions out."""
    return Run(path, own).policy(which)
