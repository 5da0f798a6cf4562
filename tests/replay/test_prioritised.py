"""Priorities: what is drawn how often, with which weights (Schaul et al. 2016)."""

import numpy as np
import pytest

from argmaxq.components.component import traced
from argmaxq.learning.schedules import Constant, Linear
from argmaxq.replay import sum_tree
from argmaxq.replay.prioritised import Prioritised
from oracles.replay import SAMPLES, Model, State, check, compiled, draw, fill


def prioritised(alpha: float, beta: float = 1.0) -> tuple[Prioritised, State, np.ndarray]:
    """A replay, its state and the priorities [slots * lanes] that it must have: TD errors 0, 0.1, 0.2, ..."""
    replay, model = Prioritised(60, alpha=alpha, beta=Constant(beta)), Model(2, seed=2, end=0.1)
    state = fill(replay, model, 45, 1, 3)
    index = np.array(sorted(model.windows(30, 1)))
    td_error = np.float32(np.arange(len(index)) * np.where(index % 2, 0.1, -0.1))
    state = compiled()[2](traced(replay), state, index, td_error)
    priorities = np.zeros(60)
    priorities[index] = (np.abs(td_error) + 1e-6) ** alpha
    return replay, state, priorities


@pytest.mark.parametrize("alpha", [0.0, 0.5, 0.6, 1.0])
def test_transitions_come_in_proportion_to_their_priority(alpha: float) -> None:
    """P(i) = p_i^alpha / sum p^alpha (Schaul et al. 2016, eq. 1): strata leave less than 2 between count and share."""
    replay, state, priorities = prioritised(alpha)
    counts = np.bincount(draw(replay, state, 1).index, minlength=60)
    np.testing.assert_allclose(counts, SAMPLES * priorities / priorities.sum(), atol=2)


@pytest.mark.parametrize("beta", [0.0, 0.4, 1.0])
def test_importance_weights(beta: float) -> None:
    """w_i = (N P(i))^-beta / max_j w_j (Schaul et al. 2016, section 3.4)."""
    replay, state, priorities = prioritised(0.6, beta)
    batch = draw(replay, state, 1, count=64)
    weight = ((priorities > 0).sum() * priorities[batch.index] / priorities.sum()) ** -beta
    np.testing.assert_allclose(batch.weight, weight / weight.max(), rtol=1e-4)
    assert (beta == 0) == (batch.weight.min() == 1)


def test_beta_follows_the_clock() -> None:
    state = prioritised(0.6)[1]
    at_half = draw(Prioritised(60, beta=Constant(0.5)), state, 1).weight
    annealed = draw(Prioritised(60, beta=Linear(0.0, 1.0, 100)), state, 1, step=50).weight
    np.testing.assert_array_equal(annealed, at_half)


def test_weighted_samples_are_unbiased() -> None:
    """With beta = 1 the weighted mean over samples is the plain mean over all transitions."""
    replay, state, priorities = prioritised(0.6, beta=1.0)
    batch = draw(replay, state, 1, count=16_384)
    values = np.random.default_rng(0).normal(size=60)
    common = priorities > priorities.max() / 10  # the rarest ones come too seldom to average
    inside = common[batch.index]
    mean = np.average(values[batch.index[inside]], weights=batch.weight[inside])
    assert mean == pytest.approx(values[common].mean(), abs=0.01)


def test_new_rows_get_the_largest_priority() -> None:
    replay, model = Prioritised(60, alpha=0.5), Model(2, seed=3, end=0.0)
    state = fill(replay, model, 10, 1, 1)
    starts = sorted(model.windows(30, 1))
    np.testing.assert_array_equal(sum_tree.leaves(state.tree, np.array(starts)), 1.0)
    state = compiled()[2](traced(replay), state, np.array(starts[:3]), np.float32([4.0, 16.0, 0.25]))
    state = compiled()[2](traced(replay), state, np.array(starts[:3]), np.float32([1.0, 1.0, 1.0]))
    state = compiled()[0](traced(replay), state, model.extend(2), 1)
    new = sorted(set(model.windows(30, 1)) - set(starts))
    assert len(new) == 4
    np.testing.assert_allclose(sum_tree.leaves(state.tree, np.array(new)), 16.0**0.5, rtol=1e-5)


def test_reprioritising_a_final_observation_does_not_make_it_drawable() -> None:
    replay, model = Prioritised(60), Model(2, seed=4, end=0.5)
    state = fill(replay, model, 20, 1, 1)
    everything = np.arange(60)
    state = compiled()[2](traced(replay), state, everything, np.full(60, 9, np.float32))
    check(draw(replay, state, 1), model.windows(30, 1))
