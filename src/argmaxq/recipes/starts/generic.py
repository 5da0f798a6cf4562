"""Starts for an environment of one's own: dqn, pqn, bdq, pdqn and td with values that follow from what it is."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from argmaxq.agents.bdq import BDQ
from argmaxq.agents.dqn import DQN
from argmaxq.agents.parts.acting import counted
from argmaxq.agents.pdqn import PDQN
from argmaxq.agents.pqn import PQN
from argmaxq.agents.td import TD
from argmaxq.components.errors import UserError
from argmaxq.environments.env import PARALLEL, Env
from argmaxq.environments.survey import Survey
from argmaxq.learning.bootstrap import Double
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.optimisers import Adam, RAdam
from argmaxq.learning.rewards import Scale
from argmaxq.learning.schedules import TO_ZERO, Linear
from argmaxq.learning.sync import Polyak
from argmaxq.learning.td.step_sizes import Scheduled, VisitCount
from argmaxq.networks.critics import MultiPass
from argmaxq.networks.features import Tiles
from argmaxq.networks.heads import BranchingDueling, Centred
from argmaxq.networks.linear import Linear as LinearValues
from argmaxq.networks.linear import Table
from argmaxq.networks.mlp import MLP
from argmaxq.recipes.recipe import Recipe
from argmaxq.recipes.starts import rules
from argmaxq.recipes.starts.sight import Said, Task, inputs_for, network_for, pictured
from argmaxq.replay.storage import Frames
from argmaxq.replay.uniform import Uniform
from argmaxq.roles import Agent
from argmaxq.spaces import BranchedActions, HybridActions

LEARNING = ("bootstrap", "n_step", "updates", "rollout", "optimiser", "step_size", "backup", "epochs", "trace_decay")
"""Fields that a line about learning tells of."""
TILED = 6
"""Entries of an observation up to which tiles are few enough."""


class Start(NamedTuple):
    """A recipe, what it is for, and what was chosen in it and why."""

    recipe: Recipe
    title: str
    said: tuple[Said, ...]


Made = tuple[Agent, tuple[Said, ...]]


def start(name: str, env: Env, found: Survey, steps: int | None = None, lanes: int | None = None) -> Start:
    """The recipe of an algorithm for an environment, in ``steps`` and ``lanes`` where these are asked for.

    Raises:
        UserError: the algorithm does not fit; the one that does is named.
    """
    kind = STARTS[name]
    if fault := kind.misfit(found):
        raise UserError(f"{name} does not fit {env.name}: {fault}")
    limit = rules.CUT if found.endless else env.time_limit
    usual = max(kind.lanes, PARALLEL) if env.backend == "processes" else kind.lanes
    env = dataclasses.replace(env, lanes=found.lanes or lanes or usual, time_limit=limit)
    task = Task(env, found, kind.steps if steps is None else steps)
    agent, rows = kind.make(task)
    judged = rules.evaluation(task.steps, env.time_limit or found.longest)
    recipe = Recipe(agent, env, task.steps, judged, checkpoint_every=max(1, task.steps // 4))
    return Start(recipe, _title(name, task), (*rows, *_common(task, recipe), _more(name, recipe)))


def dqn(task: Task) -> tuple[DQN, tuple[Said, ...]]:
    """Double DQN on returns of three steps: discrete actions."""
    network, shown = network_for(task)
    rollout = max(1 + task.env.lanes % 2, 4 // task.env.lanes)  # an even number of rows in all
    apart = 4 if pictured(task) else 2
    agent = DQN(
        network=network,
        bootstrap=Double(),
        exploration=EpsilonGreedy(Linear(1.0, 0.02, 0.2, per="run")),
        replay=_stored(task, Uniform(_capacity(task, rollout + 3 + task.found.spaces.observation.frames))),
        sync=Polyak(5e-3),
        optimiser=Adam(5e-4, annealing=TO_ZERO, max_grad_norm=10.0),
        gamma=task.gamma,
        n_step=3,
        batch_size=32 if pictured(task) else 64,
        rollout=rollout,
        updates=max(1, rollout * task.env.lanes // apart),
        learning_starts=min(1_000, task.steps // 20),
        rewards=Scale(task.scale),
    )
    often = "two" if apart == 2 else "four"
    learning = f"double DQN on returns of three steps, an update for each {often} steps; {_rate(agent.optimiser)}"
    return agent, (shown, _learning(learning), _replayed(agent.replay), _explored("a fifth", 0.02))


def bdq(task: Task) -> Made:
    """Branching DQN: several choices at once, of any number of combinations."""
    agent, said = dqn(task)
    shared = {field.name for field in dataclasses.fields(DQN)} & {field.name for field in dataclasses.fields(BDQ)}
    fields = {name: getattr(agent, name) for name in shared}
    network: Any = agent.network
    return BDQ(**fields | {"network": dataclasses.replace(network, head=BranchingDueling())}), said


def pqn(task: Task) -> Made:
    """Q(lambda) on fresh rows of many lanes, without a replay: discrete actions, quick environments."""
    network, shown = network_for(task)
    rows_at_once = int(np.clip(task.steps // 100, 256, 1024))
    rollout = max(8, rows_at_once // task.env.lanes // 8 * 8)
    passes = 2 if pictured(task) else 4
    agent = PQN(
        network=network,
        exploration=EpsilonGreedy(Linear(1.0, 0.05, 0.2, per="run")),
        optimiser=RAdam(5e-4, annealing=TO_ZERO, max_grad_norm=10.0),
        gamma=task.gamma,
        trace_decay=0.9,
        rollout=rollout,
        epochs=passes,
        minibatches=8,
        rewards=Scale(task.scale),
    )
    learning = (
        f"Q(lambda), {'twice' if passes == 2 else 'four times'} over {rollout} fresh rows of {task.env.lanes} lanes; "
        f"{_rate(agent.optimiser)}"
    )
    return agent, (shown, _learning(learning), _explored("a fifth", 0.05))


def pdqn(task: Task) -> Made:
    """MP-DQN: actions with parameters."""
    inputs, seen = inputs_for(task)
    updates = task.env.lanes
    agent = PDQN(
        critic=MultiPass((128,), inputs),
        actor_network=MLP((128,), inputs, head=Centred()),
        exploration=EpsilonGreedy(Linear(1.0, 0.05, 0.1, per="run")),
        replay=Uniform(_capacity(task, 10)),
        optimiser=Adam(1e-3, annealing=TO_ZERO, max_grad_norm=10.0),
        actor_optimiser=Adam(3e-4, annealing=TO_ZERO, max_grad_norm=10.0),
        gamma=task.gamma,
        updates=updates,
        learning_starts=min(500, task.steps // 20),
        rewards=Scale(task.scale),
    )
    learning = f"MP-DQN, an update for each step; {_rate(agent.optimiser)}"
    shown = Said(
        "networks", f"actor and critic, a layer of 128 each, on {seen}", ("agent.critic", "agent.actor_network")
    )
    return agent, (shown, _learning(learning), _replayed(agent.replay), _explored("a tenth", 0.05))


def td(task: Task) -> Made:
    """Q-learning in a table or on tiles: few states, or observations of few numbers."""
    states = task.found.spaces.observation.categories
    exploring = EpsilonGreedy(Linear(1.0, 0.1, 0.5, per="run"))
    if states:
        agent = TD(Table(), exploration=exploring, step_size=VisitCount(1.0, 100.0), gamma=task.gamma)
        learning = "Q-learning; step sizes fall with the visits of each entry, so rewards may be of any size"
        return agent, (
            Said("values", f"a table of {states:,} states", ("agent.network",)),
            _learning(learning),
            _explored("half", 0.1),
        )
    low, high = rules.feature_box(task.found)
    tiles = Tiles(8, (8 if len(low) <= 4 else 4,), low, high)
    agent = TD(
        LinearValues(tiles),
        exploration=exploring,
        step_size=Scheduled(Linear(0.3 / tiles.tilings, 0.03 / tiles.tilings, 1.0, per="run")),
        gamma=task.gamma,
    )
    cells = f"{tiles.tilings} tilings of {tiles.tiles[0]} tiles along each of {len(low)} entries"
    learning = "Q-learning; the step size falls to a tenth by the end, and rewards may be of any size"
    return agent, (Said("values", cells, ("agent.network",)), _learning(learning), _explored("half", 0.1))


class Kind(NamedTuple):
    """One algorithm's start.

    Attributes:
        make: Its agent, and what to say of it.
        misfit: What of an environment does not suit it, and what does; empty where nothing is wrong.
        steps: Env steps where none are asked for.
        lanes: Copies of the environment, likewise.
    """

    make: Callable[[Task], Made]
    misfit: Callable[[Survey], str]
    steps: int
    lanes: int = 1


def _hybrid(found: Survey) -> str:
    match found.spaces.action:
        case HybridActions():
            return "its actions have parameters; pdqn fits"
        case BranchedActions() as several:
            return f"its actions are several choices at once, {counted(several.n)} combinations; bdq fits"
    return ""


def _discrete(found: Survey) -> str:
    action = found.spaces.action
    fitting = "bdq" if isinstance(action, BranchedActions) else "dqn"
    return "" if isinstance(action, HybridActions) else f"its actions have no parameters; {fitting} fits"


def _unbranched(found: Survey) -> str:
    several = isinstance(found.spaces.action, BranchedActions)
    return "" if several else _hybrid(found) or "its actions are few enough for a value each; dqn fits"


def _untiled(found: Survey) -> str:
    spec = found.spaces.observation
    entries = int(np.prod(spec.shape))
    if spec.categories or (spec.low and entries <= TILED):
        return _hybrid(found)
    return _hybrid(found) or f"its observations of {entries:,} numbers fit neither a table nor tiles; dqn fits"


STARTS = {
    "dqn": Kind(dqn, _hybrid, 100_000),
    "pqn": Kind(pqn, _hybrid, 500_000, lanes=32),
    "bdq": Kind(bdq, _unbranched, 100_000),
    "pdqn": Kind(pdqn, _discrete, 200_000),
    "td": Kind(td, _untiled, 500_000),
}
"""By the name that ``train`` takes."""


def _stored(task: Task, replay: Uniform) -> Uniform:
    """A replay that keeps frames once where observations are stacks of them."""
    return dataclasses.replace(replay, storage=Frames()) if task.found.spaces.observation.frames else replay


def _capacity(task: Task, least: int) -> int:
    return rules.capacity(task.found.spaces.observation, task.steps, least * task.env.lanes)


def _rate(optimiser: Any) -> str:
    return f"learning rate {optimiser.learning_rate:g}, 0 at the end"


def _learning(words: str) -> Said:
    return Said("learning", words, tuple(f"agent.{name}" for name in LEARNING))


def _replayed(replay: Any) -> Said:
    return Said("replay", f"the newest {int(replay.capacity):,} steps", ("agent.replay",))


def _explored(share: str, end: float) -> Said:
    return Said("exploration", f"epsilon falls from 1 to {end:g} over {share} of the run", ("agent.exploration",))


def _title(name: str, task: Task) -> str:
    found = task.found
    unlimited = "episodes that end by themselves" if found.episodes else "no time limit known"
    limit = f"episodes of {found.time_limit:,} steps at most" if found.time_limit else unlimited
    actions = f"{counted(found.spaces.action.n)} actions"
    return f"{name} for {task.env.name} ({actions}, {limit}), chosen after {found.steps:,} random steps of it:"


def _common(task: Task, recipe: Recipe) -> Iterator[Said]:
    """What every start chooses."""
    yield Said("discount", f"{task.gamma:g}: it looks {1 / (1 - task.gamma):.0f} steps ahead", ("agent.gamma",))
    if isinstance(getattr(recipe.agent, "rewards", None), Scale):
        largest = task.found.largest_return(task.gamma)
        words = f"times {task.scale:g} in learning: discounted returns of random play reach {largest:.3g}"
        yield Said(
            "rewards",
            words
            if largest
            else "as they are, for random play met none: where they are large, scale them by --agent.rewards",
            ("agent.rewards.factor",),
        )
    if (seen := task.env.atari) is not None:
        colours = "grey" if seen.grey else "three colours"
        words = f"{seen.frames} frames of {seen.size} x {seen.size}, {colours}, one for {seen.skip} of the game's"
        yield Said("screens", words, ("env.atari",))
    if task.env.backend == "processes":
        yield Said("lanes", f"{task.env.lanes}, each in a process", ("env.lanes",))
    if task.found.endless:
        words = f"{task.env.time_limit:,} steps, for no episode of random play came to an end"
        yield Said("time limit", words, ("env.time_limit",))
    words = f"every {int(recipe.evaluation.every):,} steps, {recipe.evaluation.episodes} greedy episodes"
    yield Said("evaluation", words, ("evaluation",))


def _more(name: str, recipe: Recipe) -> Said:
    words = f"{int(recipe.steps):,} steps; argmaxq train {name} --env {recipe.env.name} --help shows all values"
    return Said("run", words, ())
