"""What documentation says of spaces, agents and sources, made of the code itself."""

import itertools
import re
import textwrap
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

from argmaxq.domains.catalogue import DOMAINS, RENDERED, functional, time_limit
from support.documents import blocks

TABLES = ("FrozenLake-v1", "FrozenLake8x8-v1", "Taxi-v4", "CliffWalking-v1", "CliffWalkingSlippery-v1")
"""Gymnasium's environments that are compiled from their transition tables."""
IDS = (*DOMAINS, *RENDERED, *TABLES)
EXCERPT = re.compile(r'^```python title="(src/[^"]+)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)
DOCSTRING = re.compile(r'^ *"""(?:(?!""").)*"""\n', re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def described(space: gym.Space[Any]) -> str:
    """A space in a few words: kind, shape, and bounds where they are the same for all entries."""
    if isinstance(space, gym.spaces.Discrete):
        return f"Discrete({space.n})"
    if isinstance(space, gym.spaces.Tuple):
        return "Tuple(" + ", ".join(_counted([described(part) for part in space])) + ")"
    assert isinstance(space, gym.spaces.Box)
    shape = ", ".join(map(str, space.shape))
    low, high = np.unique(space.low), np.unique(space.high)
    within = f" in {low[0]:g} .. {high[0]:g}" if len(low) == len(high) == 1 else ""
    return f"{space.dtype}[{shape}]{within}"


def spaces_row(id: str) -> str:
    """A page's row about an environment: id, observations, actions, and steps after which it is truncated."""
    made, limit = gym.make(id), time_limit(id)
    steps = "none" if limit is None else f"{limit:,}"
    return f"| `{id}` | `{described(made.observation_space)}` | `{described(made.action_space)}` | {steps} |"


def entry_rows(id: str) -> list[str]:
    """Rows about an observation's entries, where these have names: name, least and greatest value."""
    env = functional(id) if id in DOMAINS else None
    names = getattr(env, "observation_names", ())
    space = env.observation_space if env is not None else None
    if not names or not isinstance(space, gym.spaces.Box):
        return []
    return [f"| {name} | {low:g} | {high:g} |" for name, low, high in zip(names, space.low, space.high, strict=True)]


def stands(excerpt: str, source: str) -> bool:
    """Whether the lines of an excerpt follow one another in a source, indented by whatever, docstrings left out."""
    wanted = textwrap.dedent(DOCSTRING.sub("", excerpt)).rstrip().splitlines()
    lines = DOCSTRING.sub("", source).splitlines()
    windows = (lines[first : first + len(wanted)] for first in range(len(lines) - len(wanted) + 1))
    return any(textwrap.dedent("\n".join(window)).splitlines() == wanted for window in windows)


def commands(page: Path) -> list[str]:
    """The commands of argmaxq in a page's shell blocks."""
    lines = [line for block in blocks(page) if block.language == "sh" for line in block.lines]
    return [line for line in lines if line.startswith("argmaxq ")]


def _counted(parts: list[str]) -> list[str]:
    runs = [(part, len(list(same))) for part, same in itertools.groupby(parts)]
    return [part if count == 1 else f"{count} x {part}" for part, count in runs]
