"""Environments of our own, written in JAX as functions of a state: one lane each, to be vmapped and compiled.

Where Gymnasium has the same environment, ``functional`` finds ours by Gymnasium's id, and one step of it from an equal
state gives what Gymnasium's gives, up to float32 rounding. Environments that only we have are registered with Gymnasium
when this package is imported: after ``import argmaxq``, or as ``gymnasium.make("argmaxq:argmaxq/Platform-v0")``.
"""

import gymnasium

from argmaxq.domains.catalogue import RENDERED, TIME_LIMITS


def _register() -> None:
    for id, steps in TIME_LIMITS.items():
        if id not in gymnasium.registry:
            entry_point = "argmaxq.domains.gym_env:GymEnv"
            gymnasium.register(id, entry_point, max_episode_steps=steps, kwargs={"env": id})
    for id, (entry_point, steps) in RENDERED.items():
        if id not in gymnasium.registry:
            gymnasium.register(id, entry_point, max_episode_steps=steps)


_register()
