"""Imports every module that registers components, so that options and files find each of them by name."""

from argmaxq import recipe as recipe
from argmaxq.learning import bootstrap, dqn, exploration, optimisers, pqn, returns, schedules, sync
from argmaxq.networks import features, heads, inputs, linear, mlp, own
from argmaxq.replay import prioritised, uniform

MODULES = (
    *(bootstrap, dqn, exploration, optimisers, pqn, returns, schedules, sync),
    *(features, heads, inputs, linear, mlp, own, prioritised, uniform),
    recipe,
)
