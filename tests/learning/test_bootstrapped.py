"""Several heads on one network: by hand, as one head, their votes, their masks, and one of them for each episode."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import argmaxq as aq
from argmaxq.agents.dqn import DQN
from argmaxq.agents.r2d2 import R2D2
from argmaxq.agents.td import TD
from argmaxq.components.component import bind
from argmaxq.components.errors import UserError
from argmaxq.learning.bootstrap import Double, Max
from argmaxq.learning.bootstrapped import EachHead, Heads, OneHead
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.optimisers import SGD
from argmaxq.learning.returns import Categorical, Scalar, Squared
from argmaxq.learning.schedules import Constant
from argmaxq.networks.heads import Dueling
from argmaxq.networks.linear import Table
from argmaxq.networks.mlp import MLP
from argmaxq.recipes.recipe import Recipe
from argmaxq.replay.prioritised import Prioritised
from argmaxq.replay.uniform import Uniform
from argmaxq.spaces import ArraySpec, DiscreteActions, Spaces
from argmaxq.training.feasibility import refuse_infeasible
from argmaxq.types import FORBIDDEN, Batch, Estimate, Transition
from oracles.parts import leaves_equal
from support.runs import CARTPOLE, assert_same, crashed
from support.trainer import ENGINES, train

STATES = Spaces(ArraySpec((), "int32", categories=2), DiscreteActions(3))
PLACE = 5
ONLINE = np.array([[[1, 2], [3, 4], [5, 6]], [[9, 1], [2, 8], [3, 3]]], np.float32)
TARGET = np.array([[[0, 0], [0, 0], [0, 0]], [[10, 20], [30, 40], [50, 60]]], np.float32)
"""Values [states, actions, heads]; online, one head holds action 0 best in the second state and the other action 1."""


def agent(**values: Any) -> Any:
    fields: dict[str, Any] = {"returns": Heads(2, Scalar(Squared())), "bootstrap": EachHead(Double()), "gamma": 0.5}
    return bind(DQN(Table(), replay=Uniform(100), optimiser=SGD(1.0), **fields | values), STATES)


def updated(own: Any) -> tuple[np.ndarray, float]:
    """How an update from the first state's action 2 moves the table [states, actions, heads], and its TD error."""
    step = Transition(*(jnp.asarray(each)[None] for each in (0, 2, 1.0, 0.5, 1)))
    tables = [{"weights": jnp.asarray(each)} for each in (ONLINE, TARGET)]
    learner = own.init(jax.random.key(0), STATES, 1)._replace(params=tables[0], target=tables[1])
    after, error, _ = own.update(learner, Batch(step, jnp.ones(1), jnp.array([PLACE])))
    return np.asarray(after.params["weights"]) - ONLINE, float(error[0])


def test_each_head_learns_from_its_own_choice_by_hand() -> None:
    """Targets 1 + 0.5 * (10, 40) against 5 and 6; the loss is the mean of two heads'."""
    moved, error = updated(agent())
    assert moved[0, 2].tolist() == [0.5 * (6 - 5), 0.5 * (21 - 6)]
    assert np.count_nonzero(moved) == 2
    assert error == (1 + 15) / 2
    moved, _ = updated(agent(bootstrap=EachHead(Max())))
    assert moved[0, 2].tolist() == [0.5 * (26 - 5), 0.5 * (31 - 6)]
    moved, _ = updated(agent(bootstrap=Double()))  # on average action 0 and 1 are best alike, of which the first counts
    assert moved[0, 2].tolist() == [0.5 * (6 - 5), 0.5 * (11 - 6)]


def test_a_head_does_not_learn_from_what_it_was_not_given() -> None:
    """Which is so in a share of all places, for each head by itself, and always the same."""
    half = EachHead(Double(), 0.5)
    taught = np.asarray(jax.vmap(lambda place: half.taught(place, 4))(jnp.arange(4_000)))
    np.testing.assert_allclose(taught.mean(axis=0), 0.5, atol=0.04)
    np.testing.assert_allclose(np.corrcoef(taught.T) - np.eye(4), 0, atol=0.07)
    seen = {float(share): np.asarray(EachHead(share=share).taught(PLACE, 2)) for share in np.arange(0.02, 1.01, 0.02)}
    share = next(share for share, each in seen.items() if each.sum() == 1)
    moved, error = updated(agent(bootstrap=EachHead(Double(), share)))
    assert moved[0, 2].tolist() == (seen[share] * [0.5, 7.5]).tolist()
    assert error == (seen[share] * [1, 15]).sum()
    assert not updated(agent(bootstrap=EachHead(Double(), 0.0)))[0].any()


def test_the_greedy_action_is_what_most_heads_hold_best() -> None:
    """Two of three prefer action 0 by little, one action 1 by much; a tie goes to what is better on average."""
    q = jnp.array([[1.0, 0.0, 0.0], [1.0, 0.5, 0.0], [0.0, 9.0, 8.0]])
    vote, mean = (Heads(3, greedy=greedy) for greedy in ("vote", "mean"))

    def chosen(returns: Any, q: Any, allowed: Any = True) -> int:
        average = jnp.where(allowed, returns.mean(q.T), FORBIDDEN)
        return int(jnp.argmax(returns.preferred(Estimate(q.T, average))))

    assert (chosen(vote, q), chosen(mean, q)) == (0, 1)
    assert chosen(vote, q, jnp.array([False, True, True])) == 1
    assert chosen(vote, q.at[0].set([0.0, 0.0, 1.0])) == 1  # a vote for each: the best on average
    own = agent(returns=vote, exploration=OneHead())
    params = {"weights": jnp.stack([q.T, q.T])}
    assert own.greedy(params, (), jnp.int32(0))[0] == 0
    np.testing.assert_allclose(own.values(params, jnp.int32(0)), q.mean(axis=0), rtol=1e-6)


def test_a_lone_head_is_plain_dqn() -> None:
    """Of a distribution, too."""
    returns = Categorical(11, -1.0, 5.0)
    env = ENGINES["compiled"]
    fields: dict[str, Any] = {"replay": Uniform(500), "learning_starts": 50, "batch_size": 16}
    plain = DQN(MLP((8,)), returns, Double(), EpsilonGreedy(Constant(0.3)), **fields)
    lone = DQN(MLP((8,)), Heads(1, returns), EachHead(Double()), OneHead(plain.exploration), **fields)
    (one, _), (two, _) = (train(env(own), 100) for own in (plain, lone))
    assert one.learner.updates > 80
    jax.tree.map(
        lambda ours, theirs: np.testing.assert_allclose(ours, theirs, atol=1e-5), one.learner.params, two.learner.params
    )
    np.testing.assert_array_equal(one.learner.replay.rows.action, two.learner.replay.rows.action)


SMALL: dict[str, Any] = {"replay": Prioritised(2_000), "learning_starts": 100, "batch_size": 16, "n_step": 2}
BOOTSTRAPPED = DQN(MLP((16,), head=Dueling()), Heads(4), EachHead(Double(), 0.5), OneHead(), **SMALL)


@pytest.mark.parametrize("lanes", [1, 8])
def test_engines_agree(lanes: int) -> None:
    (one, reports), (two, others) = (
        train(make(BOOTSTRAPPED, lanes=lanes), 1_600 // (4 * lanes)) for make in ENGINES.values()
    )
    assert leaves_equal((one.learner, one.memory, one.totals), (two.learner, two.memory, two.totals))
    assert one.learner.updates > 30
    assert reports[-1][0].metrics == others[-1][0].metrics


@pytest.mark.parametrize("engine", ENGINES)
def test_one_head_acts_in_each_episode(engine: str) -> None:
    """Untaught, so that what each head would do is known afterwards."""
    idle = aq.replace(BOOTSTRAPPED, {"learning_starts": 10**6, "replay": Uniform(3_000)})
    state, _ = train(ENGINES[engine](idle, lanes=3), 200)
    rows = jax.tree.map(lambda leaf: np.asarray(leaf)[:800], state.learner.replay.rows)
    params = state.learner.params
    q = jax.vmap(jax.vmap(lambda obs: idle.returns.of_each(idle.estimate(params, obs)).q))(rows.obs)
    heads = []
    for lane in range(3):
        ends = [-1, *np.flatnonzero(rows.last[:, lane])]
        for first, last in pairwise(ends):
            episode = slice(first + 1, last)
            same = np.argmax(q[episode, lane], axis=-1) == rows.action[episode, lane, None]
            assert same.all(axis=0).any()
            if same.all(axis=0).sum() == 1:
                heads.append(int(same.all(axis=0).argmax()))
    assert {*heads} == {0, 1, 2, 3}
    assert np.mean(np.diff(heads) != 0) > 0.5


@pytest.mark.parametrize("engine", ENGINES)
def test_resumed_equals_uninterrupted(engine: str, tmp_path: Path) -> None:
    recipe = aq.replace(CARTPOLE, {"agent": BOOTSTRAPPED, "env.lanes": 2})
    reference = aq.train(recipe, out=tmp_path / "reference", engine=engine)
    crashed(recipe, tmp_path / "run", 900, engine=engine)
    assert_same(aq.resume(tmp_path / "run"), reference)
    policy = reference.policy()
    assert policy(np.zeros((3, 4), np.float32)).shape == (3,)
    assert reference.evaluate(3).mean > 0


@pytest.mark.parametrize(
    ("own", "told"),
    [
        (
            DQN(exploration=OneHead()),
            r"^agent.exploration = one-head is of several heads: set agent.returns = heads, too$",
        ),
        (DQN(bootstrap=EachHead()), "agent.bootstrap = each-head is of several heads"),
        (TD(MLP(), exploration=OneHead()), "agent.exploration = one-head is of several heads"),
        (R2D2(returns=Heads(), exploration=OneHead()), "stays with a choice for an episode, which r2d2 cannot"),
    ],
)
def test_parts_of_heads_without_heads_are_refused(own: Any, told: str) -> None:
    with pytest.raises(UserError, match=told):
        refuse_infeasible(Recipe(own), Spaces(ArraySpec((2,), "float32"), DiscreteActions(3)))
