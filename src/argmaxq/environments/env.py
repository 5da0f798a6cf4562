"""Which environment a recipe is about, and how many copies of it are stepped together."""

import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar, Literal

from argmaxq.components.annotations import Size
from argmaxq.components.component import component
from argmaxq.lanes.atari.preprocessing import Atari

PARALLEL = 8
"""Lanes in processes, where no number is asked for: one alone would gain nothing."""


@component("environment")
class Env:
    """The environment and how many copies of it are stepped together.

    Attributes:
        id: A registered Gymnasium id; in Python also a callable that makes an environment.
        kwargs: Arguments for making it.
        lanes: Copies stepped together.
        backend: What steps it on the host: Gymnasium, Gymnasium in a process for each lane, EnvPool's C++ threads, or,
            for ALE's games, a process for each core.
        time_limit: Steps after which an episode is truncated; none: the registered limit.
        choices: For each parameterised action the values of its parameters that make it discrete ones; empty: none.
        atari: How an agent sees one of ALE's games, and what it is told of lives; none: as any other environment.
        mask: Where it tells which actions are allowed: nowhere; in its infos, or a FuncEnv by its method legal(state);
            or in the entry action_mask of Dict observations.
    """

    shorthand: ClassVar[str] = "id"

    id: str | Callable[..., Any] = "CartPole-v1"
    kwargs: dict[str, Any] = dataclasses.field(default_factory=dict)
    lanes: Size = 1
    backend: Literal["gymnasium", "processes", "envpool", "ale"] = "gymnasium"
    time_limit: Size | None = None
    choices: tuple[tuple[float, ...], ...] = ()
    mask: Literal["none", "info", "observation"] = "none"
    atari: Atari | None = None

    @property
    def name(self) -> str:
        """The id, or what a callable is called."""
        return self.id if isinstance(self.id, str) else getattr(self.id, "__name__", repr(self.id))
