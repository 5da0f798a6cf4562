"""Imports every module that registers components, so that options and files find each of them by name."""

from argmaxq.agents import critic_only, dqn, paddpg, pdqn, pqn, r2d2, recurrent_pqn, td
from argmaxq.learning import (
    backups,
    bootstrap,
    exploration,
    normalisers,
    optimisers,
    parameters,
    returns,
    schedules,
    step_sizes,
    sync,
    traces,
    transformed,
)
from argmaxq.networks import (
    critics,
    features,
    heads,
    inputs,
    interpolated,
    linear,
    mlp,
    own,
    quadratic,
    recurrent,
    sparse,
)
from argmaxq.recipes import recipe as recipe
from argmaxq.replay import prioritised, uniform

MODULES = (
    *(
        backups,
        bootstrap,
        critic_only,
        dqn,
        exploration,
        normalisers,
        optimisers,
        paddpg,
        parameters,
        pdqn,
        pqn,
        returns,
    ),
    *(r2d2, recurrent_pqn, schedules, step_sizes, sync, td, traces, transformed),
    *(
        critics,
        features,
        heads,
        inputs,
        interpolated,
        linear,
        mlp,
        own,
        quadratic,
        recurrent,
        sparse,
        prioritised,
        uniform,
    ),
    recipe,
)
