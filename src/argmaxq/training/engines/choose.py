"""Which engine trains a recipe, and making it."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, Literal, cast

import jax

from argmaxq.components.component import bind
from argmaxq.components.errors import UserError
from argmaxq.devices import free_memory
from argmaxq.domains.catalogue import TIME_LIMITS
from argmaxq.environments.env import PARALLEL, Env
from argmaxq.environments.source import compiled, host, workers
from argmaxq.lanes.compiled import CompiledEnv
from argmaxq.recipes.recipe import Recipe
from argmaxq.spaces import Spaces
from argmaxq.training.engines.compiled import CompiledEngine
from argmaxq.training.engines.engine import Engine
from argmaxq.training.engines.host import HostEngine
from argmaxq.training.engines.members import leaves
from argmaxq.training.evaluation import LONGEST, Evaluator, Played, greedy
from argmaxq.training.feasibility import member_bytes, refuse_infeasible
from argmaxq.training.prospects import Ledger
from argmaxq.trees import size
from argmaxq.types import Array

ALONE = f"env.lanes = 1: a process gains nothing by itself; set env.lanes {PARALLEL}, to make as many steps at a time"
WIDEST = 2**16
"""Members of a program at most, where nobody says how much memory there is."""
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
        UserError: the environment cannot be made, or does not fit the agent, or training would not fit the memory or
            could not learn anything.
    """
    return _compiled(recipe, seeds) if kind == "compiled" else _host(recipe, *seeds)


def make_members(recipes: Sequence[Recipe], seeds: tuple[int, ...], swept: Sequence[str]) -> CompiledEngine:
    """An engine for one member of each of these recipes, which differ in the agent's numbers at ``swept`` alone.

    Raises:
        UserError: as ``make_engine``.
    """
    recipe = recipes[0]
    functional = _feasible(recipe, len(seeds))
    own = own_numbers(functional.spaces, recipes, swept)
    return CompiledEngine(recipe.agent, functional, recipe.env.lanes, seeds, recipe.diagnostics, own)


def own_numbers(spaces: Spaces, recipes: Sequence[Recipe], swept: Sequence[str]) -> list[dict[str, Array]]:
    """What is each member's own of its agent, at paths below it."""
    return [leaves(recipe.agent, spaces, swept) for recipe in recipes]


def members_that_fit(recipe: Recipe) -> int:
    """How many members of one program half of the free memory holds.

    Raises:
        UserError: one alone cannot be trained.
    """
    functional, free = _feasible(recipe, 1), free_memory()
    each = member_bytes(recipe, functional.spaces, _drawn(recipe, functional))
    return WIDEST if free is None else max(free // (2 * each), 1)


def hints(engine: Engine, env: Env, ending: bool = False) -> list[str]:
    """What it means that an environment has no time limit, or one lane in a process, where that is so, a line each.

    ``ending`` says that its episodes were seen to end by themselves.
    """
    alone = [ALONE] if env.backend == "processes" and env.lanes == 1 else []
    ours = isinstance(env.id, str) and env.id in TIME_LIMITS  # which count their steps themselves, if need be
    if ours or ending or engine.time_limit is not None:
        return alone
    return [
        *alone,
        f"{env.name} sets no time limit: unless its episodes end by themselves, training stays in the first one, and "
        f"an evaluation cuts them at {LONGEST:,} steps; set env.time_limit",
    ]


def _compiled(recipe: Recipe, seeds: tuple[int, ...]) -> Engine:
    return CompiledEngine(recipe.agent, _feasible(recipe, len(seeds)), recipe.env.lanes, seeds, recipe.diagnostics)


def _feasible(recipe: Recipe, members: int) -> CompiledEnv:
    """The compiled environment on which so many members can be trained; raises UserError."""
    functional = compiled(recipe.env)
    if functional is None:  # a run folder may say so
        raise UserError(f"{recipe.env.name} with these options has no compiled form here, for which this run was made")
    refuse_infeasible(recipe, functional.spaces, members, _drawn(recipe, functional))
    return functional


def _drawn(recipe: Recipe, functional: CompiledEnv) -> int:
    """Bytes of what the environment draws for an iteration."""
    return size(jax.eval_shape(functional.draw, jax.random.key(0))) * recipe.agent.rollout * recipe.env.lanes


def _host(recipe: Recipe, seed: int) -> Engine:
    copies = workers(recipe.env)
    with ExitStack() as undoing:
        if copies is not None:
            undoing.callback(copies.close)
        evaluator = Evaluator(recipe.env, copies)
        refuse_infeasible(recipe, evaluator.spaces)
        agent = bind(recipe.agent, evaluator.spaces)

        def evaluate(params: Any, episodes: int, number: int, ledger: Ledger | None) -> Played:
            choose = greedy(agent, params, evaluator.spaces)
            return evaluator.play(choose, episodes, [seed, 1, number], ledger=ledger)

        # One seed is a tuple of seeds, too.
        lanes, native = host(recipe.env, copies), evaluator.adaptor.source[:2]
        engine: Any = HostEngine(recipe.agent, lanes, seed, evaluate, evaluator.limit, native, recipe.diagnostics)
        undoing.pop_all()
        return cast(Engine, engine)
