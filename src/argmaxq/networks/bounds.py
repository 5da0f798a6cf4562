"""The box in which observations are taken to lie, for whatever divides it into parts."""

from typing import NamedTuple

from argmaxq.components.errors import UserError
from argmaxq.networks.inputs import UNBOUNDED
from argmaxq.spaces import ArraySpec

ASSUMED = 4.0
"""What an entry without a finite bound is taken to stay within, in its own unit."""


class Box(NamedTuple):
    """Least and greatest value of each entry of a flat observation."""

    low: tuple[float, ...]
    high: tuple[float, ...]


def bounded(spec: ArraySpec, low: tuple[float, ...], high: tuple[float, ...]) -> Box:
    """The bounds given, else the observation's own, else +-``ASSUMED``; ``assumptions`` tells of these.

    Raises:
        UserError: the observation is an index, or as many bounds as entries were not given, or they are upside down.
    """
    entries = len(spec.low)
    if spec.categories or not entries:
        raise UserError("such features need observations that are numbers: for Discrete ones take a table or one-hot")
    for name, given in (("low", low), ("high", high)):
        if given and len(given) != entries:
            raise UserError(f"{name} = {given}: {len(given)} bounds for the {entries} entries of an observation")
    box = Box(
        low or tuple(bound if abs(bound) < UNBOUNDED else -ASSUMED for bound in spec.low),
        high or tuple(bound if abs(bound) < UNBOUNDED else ASSUMED for bound in spec.high),
    )
    for entry, (least, greatest) in enumerate(zip(*box, strict=True)):
        if not least < greatest:
            raise UserError(f"entry {entry} of the observation has bounds {least:g} to {greatest:g}: give low and high")
    return box


def assumptions(spec: ArraySpec, low: tuple[float, ...], high: tuple[float, ...]) -> list[str]:
    """What is assumed of entries without bounds, a line for all of them; empty where nothing is."""
    open_low = [entry for entry, bound in enumerate(spec.low) if not low and abs(bound) >= UNBOUNDED]
    open_high = [entry for entry, bound in enumerate(spec.high) if not high and abs(bound) >= UNBOUNDED]
    entries = sorted({*open_low, *open_high})
    if not entries:
        return []
    which = f"entr{'ies' if len(entries) > 1 else 'y'} {', '.join(map(str, entries))} of the observation"
    return [f"no finite bounds are known of {which}: taken to lie within +-{ASSUMED:g}; set low and high"]
