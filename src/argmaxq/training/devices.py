"""What JAX computes on: all devices of a platform, or one of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jax

from argmaxq.component import UserError


def current() -> list[jax.Device]:
    """The devices to compute on here: one that ``jax.default_device`` names, else all of its platform."""
    settings: Any = jax.config
    chosen = settings.jax_default_device
    return [chosen] if isinstance(chosen, jax.Device) else jax.local_devices(backend=chosen)


@contextmanager
def using(name: str | None) -> Iterator[None]:
    """Compute on ``cpu``, ``gpu``, ``tpu``, ``cuda:1`` within it; None leaves JAX's own choice.

    Raises:
        UserError: there is no such device; it says which there are.
    """
    if name is None:
        yield
        return
    platform, colon, index = name.lower().partition(":")
    found = _devices(platform)
    if colon:
        found = [device for number, device in enumerate(found) if str(number) == index]
    if not found:
        raise UserError(f"device = {name!r}: there is no such device here; there are {', '.join(_names())}")
    with jax.default_device(found[0] if colon else platform):
        yield


def _devices(platform: str) -> list[jax.Device]:
    try:
        return list(jax.local_devices(backend=platform))
    except RuntimeError:  # JAX knows no such platform, or none of its devices are here
        return []


def _names() -> list[str]:
    platforms = dict.fromkeys(["cpu", *(device.platform for device in jax.local_devices())])
    numbered = [f"{platform}:{i}" for platform in platforms if (n := len(_devices(platform))) > 1 for i in range(n)]
    return [*platforms, *numbered]
