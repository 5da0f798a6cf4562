"""What cannot come to anything is refused before anything is written or allocated, from shapes alone."""

from typing import Any

import jax
import jax.numpy as jnp

from argmaxq.components.component import bind, walk
from argmaxq.components.errors import UserError
from argmaxq.components.registry import type_name
from argmaxq.devices import free_memory
from argmaxq.recipes.recipe import Recipe
from argmaxq.roles import Agent, Committed, Voting
from argmaxq.runs.blocks import LARGE as BLOCKED
from argmaxq.spaces import Spaces
from argmaxq.training.shapes import refuse_misshapen
from argmaxq.trees import amount, size
from argmaxq.types import PyTree

LARGE = 10**8
"""Bytes from which it is said how much is kept."""


def refuse_infeasible(recipe: Recipe, spaces: Spaces, seeds: int = 1, drawn: int = 0) -> None:
    """Raise where a recipe cannot be trained on these spaces with so many seeds at once.

    ``drawn`` are the bytes of what the environment draws for one iteration.

    Raises:
        UserError: the agent cannot start on these spaces, would not learn in all of the run's steps, or needs more
            memory than is free.
    """
    agent, lanes = bind(recipe.agent, spaces), recipe.env.lanes
    _refuse_keyless(agent)
    _refuse_headless(agent)
    if spaces.masked and getattr(agent, "legal", None) != spaces.legal:
        raise UserError(
            f"env.mask = {recipe.env.mask}: the agent {type_name(type(recipe.agent))} knows no masks of actions; leave "
            "it out, or give the agent the field legal: Allowed, see agents.deciding.Deciding"
        )
    if spaces.observation.parts and getattr(agent, "legal", None) != spaces.legal:
        raise UserError(
            f"observations are pictures beside other things, which {type_name(type(recipe.agent))} cannot read: dqn "
            "and pqn can; gymnasium.wrappers.FilterObservation leaves one entry of them"
        )
    refuse_misshapen(agent, spaces)
    learner = _learner(agent, spaces, lanes)
    _learns(agent, recipe.steps, lanes)
    needed, free = seeds * member_bytes(recipe, spaces, drawn), free_memory()
    if free is not None and needed > free:
        many, fewer = (f"{seeds} seeds need", ", or train fewer seeds at once") if seeds > 1 else ("training needs", "")
        sizes = f"{amount(needed)} of memory, and {amount(free)} are free"
        raise UserError(f"{many} {sizes}: lower {_largest(agent, learner, needed // seeds)}{fewer}")


def member_bytes(recipe: Recipe, spaces: Spaces, drawn: int = 0) -> int:
    """Bytes that training takes for one seed; see ``refuse_infeasible``."""
    agent, lanes = bind(recipe.agent, spaces), recipe.env.lanes
    own = jax.eval_shape(lambda key: _iteration(agent, key, spaces, lanes), jax.random.key(0))
    return size(_learner(agent, spaces, lanes)) + size(own) + drawn


def _learner(agent: Agent, spaces: Spaces, lanes: int) -> Any:
    """The shapes of a learner."""
    return jax.eval_shape(lambda key: agent.init(key, spaces, lanes), jax.random.key(0))


def sizes(recipe: Recipe, spaces: Spaces, seeds: int = 1) -> list[str]:
    """What training keeps in memory and on the disk, where that is much, in a line."""
    agent = bind(recipe.agent, spaces)
    learner = _learner(agent, spaces, recipe.env.lanes)
    whole, replay = seeds * size(learner), seeds * size(getattr(learner, "replay", ()))
    if whole < LARGE:
        return []
    mostly = f" ({amount(replay)} the replay, as it is filled)" if replay > whole // 2 else ""
    disk = "for the latest checkpoint, and what is new for each" if whole >= BLOCKED else "for each of two checkpoints"
    return [f"sizes: {amount(whole)} of memory{mostly}; on disk {amount(whole)} {disk}"]


def _refuse_keyless(agent: Agent) -> None:
    """Refuse what needs random keys in an agent that gives its networks none: its noise would be missing silently."""
    if getattr(agent, "random", False):
        return
    for where, _, part in walk(agent):
        if getattr(part, "random", False):
            kinds = type_name(type(part)), type_name(type(agent))
            raise UserError(f"agent.{where} = {kinds[0]} needs random keys, and {kinds[1]} gives its networks none")


def _refuse_headless(agent: Agent) -> None:
    """Refuse what is of several heads where there are none, or where no one would stay with one of them."""
    voting = isinstance(getattr(agent, "returns", None), Voting)
    for where, _, part in walk(agent):
        kinds = type_name(type(part)), type_name(type(agent))
        if getattr(part, "of_heads", False) and not voting:
            raise UserError(f"agent.{where} = {kinds[0]} is of several heads: set agent.returns = heads, too")
        if isinstance(part, Committed) and not getattr(agent, "episodic", False):
            raise UserError(f"agent.{where} = {kinds[0]} stays with a choice for an episode, which {kinds[1]} cannot")


def _learns(agent: Agent, steps: int, lanes: int) -> None:
    iteration = agent.rollout * lanes
    starts, done = int(getattr(agent, "learning_starts", 0)), -(-steps // iteration) * iteration
    if starts > done > 0:
        raise UserError(
            f"agent.learning_starts = {starts}: nothing would be learnt in the run's {steps} steps; "
            "lower it, or train longer"
        )


def _iteration(agent: Agent, key: jax.Array, spaces: Spaces, lanes: int) -> tuple[PyTree, PyTree, PyTree]:
    """An iteration's rows, those replayed in it, and its random numbers."""
    shape, replayed = (agent.rollout, lanes), (getattr(agent, "updates", 0), getattr(agent, "batch_size", 0))
    seen, done = spaces.stored, spaces.action.spec
    arrays = ((shape, seen), (shape, done), ((2, *replayed), seen), (replayed, done))
    rows = [jnp.zeros((*axes, *spec.shape), spec.dtype) for axes, spec in arrays]
    return rows, agent.noise(key, shape, spaces), agent.draw(key, lanes)


def _largest(agent: Any, learner: Any, needed: int) -> str:
    """What most of the memory is for."""
    if not hasattr(agent, "replay") or 2 * size(learner.replay) < needed:
        return "env.lanes, agent.rollout, agent.n_step, agent.batch_size or the size of the networks"
    name = "allocation" if agent.replay.allocation else "capacity"
    return f"agent.replay.{name} = {getattr(agent.replay, name)}"
