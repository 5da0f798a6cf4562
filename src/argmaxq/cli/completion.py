"""Completion of command lines by the user's shell: a script that it reads, made from the verbs' own arguments."""

import argparse
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args, get_origin

import gymnasium as gym
import shtab

from argmaxq.cli.arguments import PICTURES, Argument
from argmaxq.components.annotations import hints, plain_type
from argmaxq.components.errors import UserError
from argmaxq.components.paths import paths
from argmaxq.components.registry import candidates, near
from argmaxq.domains.catalogue import DOMAINS
from argmaxq.recipes import recipes
from argmaxq.recipes.starts.generic import STARTS
from argmaxq.runs.track import BEST, LAST
from argmaxq.training.engines.choose import EngineName

SHELLS = ("bash", "zsh", "fish", "tcsh", "powershell")
RUNS = {
    "bash": "_argmaxq_runs",
    "zsh": "_files -/",
    "fish": "(__fish_complete_directories)",
    "tcsh": "d",
    "powershell": "_shtab_powershell_compgen_dirs",
    "preamble": {
        "bash": """
_argmaxq_runs() {
  local made
  for made in runs/*/{config,study,tuning}.json; do
    [[ -e $made && ${made%/*} == "$1"* ]] && echo "${made%/*}"
  done
  compgen -d -- "$1"
}
"""
    },
}
"""Folders; in Bash those of runs, studies and tunings first."""
FILES = ("--out", "--video")


def script(shell: str, verbs: Mapping[str, tuple[str, Sequence[Argument]]]) -> str:
    """What a shell reads to complete ``argmaxq`` lines, from each verb's summary and arguments.

    Raises:
        UserError: no such shell is known.
    """
    if shell not in SHELLS:
        raise UserError(f"there is no shell {shell!r} to complete lines in: {near(shell, SHELLS)}")
    parser = argparse.ArgumentParser("argmaxq", add_help=False)
    parser.add_argument("-h", "--help", action="store_true")
    inner = parser.add_subparsers()
    for name, (summary, arguments) in verbs.items():
        verb = inner.add_parser(name, help=summary, description=summary)
        for argument, settings in arguments:
            _add(verb, argument, settings)
        if name == "train":
            _add_options(verb)
    return str(shtab.complete(parser, shell))


def _add(parser: argparse.ArgumentParser, name: str, settings: Mapping[str, Any]) -> None:
    known = {"recipe": [*recipes(), *STARTS], "--env": _environments(), "env": _environments()}
    known |= {
        "--engine": [*get_args(EngineName)],
        "--what": [*PICTURES],
        "--checkpoint": [BEST, LAST],
        "shell": [*SHELLS],
    }
    choices = {"choices": known[name]} if name in known else {}
    added: Any = parser.add_argument(name, **{**settings, **choices, "help": settings["help"].partition(" (%(")[0]})
    if name == "run" or name in FILES:
        added.complete = RUNS if name == "run" else shtab.FILE


def _add_options(parser: argparse.ArgumentParser) -> None:
    """The options that any recipe, or any recipe with another component, has."""
    taken = {flag for action in parser._actions for flag in action.option_strings}
    for flag, choices in sorted(_options().items()):
        if flag not in taken:
            parser.add_argument(flag, metavar="V", choices=choices or None)


def _options() -> dict[str, list[str]]:
    """Each option's values, where these are names."""
    found: dict[str, list[str]] = {}
    for place in (place for recipe in recipes().values() for place in paths(recipe)):
        inner = [
            (f"{place.path}.{name}", hint)
            for cls in candidates(place.hint).values()
            for name, hint in hints(cls).items()
        ]
        found |= {f"--{path.replace('_', '-')}": _names(hint) for path, hint in [(place.path, place.hint), *inner]}
    return found


def _names(hint: Any) -> list[str]:
    """Names that may stand in a field so annotated; none where it holds numbers or text."""
    members = candidates(hint)
    if len(members) > 1:
        return sorted(members)
    plain = plain_type(hint)
    return [str(member) for member in get_args(plain)] if get_origin(plain) is Literal else []


def _environments() -> list[str]:
    return sorted({*gym.registry, *DOMAINS})
