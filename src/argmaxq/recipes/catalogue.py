"""Imports every module that registers components, so that options and files find each of them by name."""

from argmaxq.agents import bdq, critic_only, dqn, paddpg, pdqn, pqn, r2d2, recurrent_pqn, td
from argmaxq.lanes.atari import preprocessing
from argmaxq.learning import (
    bootstrap,
    bootstrapped,
    exploration,
    normalisers,
    optimisers,
    parameters,
    resets,
    returns,
    rewards,
    schedules,
    sync,
)
from argmaxq.learning.returns import transformed
from argmaxq.learning.td import backups, step_sizes, traces
from argmaxq.networks import (
    critics,
    features,
    heads,
    inputs,
    interpolated,
    layers,
    linear,
    mlp,
    own,
    quadratic,
    recurrent,
    scaled,
    sparse,
)
from argmaxq.networks.convolutional import encoders, network
from argmaxq.recipes import recipe as recipe
from argmaxq.replay import prioritised, storage, uniform

MODULES = (
    *(bdq, critic_only, dqn, paddpg, pdqn, pqn, r2d2, recurrent_pqn, td),
    *(backups, bootstrap, bootstrapped, exploration, normalisers, optimisers, parameters, resets, returns, rewards),
    *(schedules, step_sizes, sync, traces, transformed),
    *(critics, features, heads, inputs, interpolated, layers, linear, mlp, own, quadratic, recurrent, scaled, sparse),
    *(encoders, network, prioritised, storage, uniform, recipe, preprocessing),
)
