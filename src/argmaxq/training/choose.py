"""Which engine trains a recipe, and making it."""

from typing import Any, Literal, cast

import jax
import numpy as np

from argmaxq.components.component import bind
from argmaxq.components.errors import UserError
from argmaxq.environments.env import Env
from argmaxq.environments.source import compiled, host
from argmaxq.recipes.recipe import Recipe
from argmaxq.training.compiled import CompiledEngine
from argmaxq.training.engine import Engine
from argmaxq.training.evaluation import Evaluator, greedy
from argmaxq.training.host import HostEngine

EngineName = Literal["auto", "compiled", "host"]


def engine_kind(env: Env, wish: EngineName) -> Literal["compiled", "host"]:
    """``compiled`` where the environment allows it and ``host`` is not wished for.

    Raises:
        UserError: ``compiled`` is wished for and not possible.
    """
    if wish not in ("auto", "compiled", "host"):
        raise UserError(f"engine = {wish!r}: it must be auto, compiled or host")
    possible = compiled(env) is not None
    if wish == "compiled" and not possible:
        raise UserError(f"{env.id} with these options has no compiled form here: use --engine host or auto")
    return "compiled" if possible and wish != "host" else "host"


def make_engine(kind: str, recipe: Recipe, seeds: tuple[int, ...]) -> Engine:
    """An engine for these seeds, ``host`` for one only.

    Raises:
        UserError: the environment cannot be made, or does not fit the agent.
    """
    engine = _compiled(recipe, seeds) if kind == "compiled" else _host(recipe, *seeds)
    # Shapes alone, at no cost: an agent that cannot start on these spaces says so before anything is written.
    agent = bind(recipe.agent, engine.spaces)
    jax.eval_shape(lambda key: agent.init(key, engine.spaces, engine.lanes), jax.random.key(0))
    return engine


def _compiled(recipe: Recipe, seeds: tuple[int, ...]) -> Engine:
    functional = compiled(recipe.env)
    assert functional is not None
    return CompiledEngine(recipe.agent, functional, recipe.env.lanes, seeds)


def _host(recipe: Recipe, seed: int) -> Engine:
    evaluator = Evaluator(recipe.env)
    agent = bind(recipe.agent, evaluator.spaces)

    def evaluate(params: Any, episodes: int, number: int) -> np.ndarray:
        return evaluator.play(greedy(agent, params), episodes, [seed, 1, number]).returns

    engine: Any = HostEngine(recipe.agent, host(recipe.env), seed, evaluate)  # one seed is a tuple of seeds, too
    return cast(Engine, engine)
