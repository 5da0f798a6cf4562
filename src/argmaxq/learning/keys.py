"""Random keys of networks whose outputs depend on chance, such as noisy weights or levels drawn anew."""

from collections.abc import Sequence
from typing import Any

import jax

from argmaxq.components.component import walk
from argmaxq.types import Array, Keys


def is_random(*components: Any) -> bool:
    """Whether any of these components, or a part of one, says by a true ``random`` that keys change its outputs."""
    parts = (item for each in components for item in (each, *(part for _, _, part in walk(each))))
    return any(getattr(part, "random", False) for part in parts)


def each_its_own(key: Array, shape: tuple[int, ...]) -> Keys:
    """Keys [*shape] that have nothing in common."""
    shared, own = jax.random.split(key)
    return Keys(jax.random.split(shared, shape), jax.random.split(own, shape))


def of_batch(key: Array | None, shape: tuple[int, ...]) -> Keys | None:
    """Keys of a batch: one shared by all, and own ones [*shape]; none of none."""
    if key is None:
        return None
    shared, own = jax.random.split(key)
    return Keys(shared, jax.random.split(own, shape))


def axes(keys: Keys | None) -> Any:
    """What ``jax.vmap`` maps of a batch's keys."""
    return None if keys is None else Keys(None, 0)


def parted(keys: Keys | None, count: int) -> Sequence[Keys | None]:
    """Independent keys for so many looks of one sample; none of none."""
    if keys is None:
        return [None] * count
    return [Keys(*pair) for pair in zip(*(jax.random.split(each, count) for each in keys), strict=True)]


def redrawn(keys: Keys | None) -> Sequence[Keys | None]:
    """Keys of two looks that have in common what a batch shares; none of none."""
    return [None, None] if keys is None else [Keys(keys.shared, own) for own in jax.random.split(keys.own)]
