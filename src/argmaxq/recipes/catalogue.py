"""Imports every module that registers components, so that options and files find each of them by name."""

from argmaxq.agents import bdq, critic_only, dqn, paddpg, pdqn, pqn, td
from argmaxq.learning import (
    backups,
    bootstrap,
    exploration,
    normalisers,
    optimisers,
    parameters,
    resets,
    returns,
    rewards,
    schedules,
    step_sizes,
    sync,
    traces,
)
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
    scaled,
    sparse,
)
from argmaxq.recipes import recipe as recipe
from argmaxq.replay import prioritised, uniform

MODULES = (
    *(
        backups,
        bdq,
        bootstrap,
        critic_only,
        dqn,
        exploration,
        normalisers,
        optimisers,
        paddpg,
        parameters,
        resets,
        pdqn,
        pqn,
        returns,
        rewards,
    ),
    *(schedules, step_sizes, sync, td, traces),
    *(
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
        scaled,
        sparse,
        prioritised,
        uniform,
    ),
    recipe,
)
