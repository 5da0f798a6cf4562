"""argmaxq: value-based reinforcement learning, whole."""

from argmaxq.setup import configure_jax

configure_jax()
