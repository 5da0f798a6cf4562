"""Imports every module that registers components, so that options and files find each of them by name."""

from argmaxq import recipe as recipe
from argmaxq.learning import (
    bootstrap,
    dqn,
    exploration,
    optimisers,
    paddpg,
    parameters,
    pdqn,
    pqn,
    returns,
    schedules,
    sync,
)
from argmaxq.networks import critics, heads, inputs, mlp, own
from argmaxq.replay import prioritised, uniform

MODULES = (
    *(bootstrap, dqn, exploration, optimisers, paddpg, parameters, pdqn, pqn, returns, schedules, sync),
    *(critics, heads, inputs, mlp, own, prioritised, uniform),
    recipe,
)
