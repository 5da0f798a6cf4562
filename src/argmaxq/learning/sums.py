"""Sums of many numbers that float32 can carry."""

from typing import NamedTuple

from argmaxq.types import Array


class Sum(NamedTuple):
    """A sum rounded to float32, and what it lacks of the whole, at most half a unit in its last place."""

    total: Array
    rest: Array


def plus(sum_: Sum, value: Array) -> Sum:
    """The sum with one number more: Knuth's exact addition, then Dekker's (Knuth 1997, 4.2.2; Dekker 1971).

    Each addition is off by 2^-48 of the sum at most, so even 10^9 alike ones by some 10^-7 together, where float32
    alone stands still at 2^24 times a number. Only additions and subtractions, so every compiler gives the same bits.
    """
    rough = sum_.total + value
    added = rough - sum_.total
    lost = (sum_.total - (rough - added)) + (value - added)
    rest = sum_.rest + lost
    total = rough + rest
    return Sum(total, rest - (total - rough))
