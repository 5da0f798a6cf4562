"""A run's configuration as a tree in which what differs from its recipe stands out, and the command that repeats it."""

import copy
import shlex
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from typing import Any, NamedTuple

from argmaxq.components.registry import lookup
from argmaxq.components.serialisation import OWN, to_json
from argmaxq.recipes import choose, recipes
from argmaxq.recipes.recipe import Recipe
from argmaxq.recipes.starts.generic import STARTS
from argmaxq.reporting.text import environment
from argmaxq.runs.changes import changes
from argmaxq.runs.stretches import stretches

NOTHING = object()
AGAIN = "again"
"""The folder of a run that is repeated by several commands."""


class Node(NamedTuple):
    """A value of the configuration.

    Attributes:
        name: The field's.
        value: As text; of a component its kind.
        was: What the recipe has instead, as text; None where it is the same.
        below: The component's own fields.
    """

    name: str
    value: str
    was: str | None
    below: tuple["Node", ...] = ()

    @property
    def differs(self) -> bool:
        """Whether it, or anything below, is not the recipe's."""
        return self.was is not None or any(node.differs for node in self.below)


def tree(config: Mapping[str, Any]) -> Node:
    """The whole recipe of a run's ``config``."""
    base, _ = base_of(config)
    return _node("recipe", config["recipe"], base)


def base_of(config: Mapping[str, Any]) -> tuple[Any, str]:
    """What a run's recipe is compared with, as JSON, and what that is called."""
    known = recipes()
    if config["name"] in known:
        return to_json(known[config["name"]]), f"the recipe {config['name']}"
    return to_json(Recipe()), "the defaults"


def command(config: Mapping[str, Any]) -> tuple[str, str]:
    """The command lines that repeat a run, and what must be known of it; the command is empty where there is none.

    A run that was resumed with more steps, or with other values, has a line for each of these, too.
    """
    try:
        first, note = _trained({**config, "recipe": begun(config)})
    except (KeyError, TypeError):
        return "", "the changes that are recorded do not fit its recipe, so no command line is known"
    made = sorted({*(each.begin for each in stretches(config)[1:]), *(each.step for each in changes(config))})
    if not first or not made:
        return first, note
    if early := [step for step in made if _unfinished(config, step)]:
        return "", f"it was interrupted, and at step {early[0]:,} resumed as another run, which no command line repeats"
    later = [_resumed(config, step) for step in made]
    if None in later:
        return "", "it was given an object of its user's own, which no command line can give again"
    return "\n".join([f"{first} --out {AGAIN}", *filter(None, later)]), note


def begun(config: Mapping[str, Any]) -> dict[str, Any]:
    """The recipe with which a run began, as JSON: with its first number of steps and values."""
    recipe: dict[str, Any] = copy.deepcopy(dict(config["recipe"])) | {"steps": stretches(config)[0].total}
    for change in reversed(changes(config)):
        for path, value in change.before.items():
            *above, last = path.split(".")
            reduce(lambda inner, name: inner[name], above, recipe)[last] = value
    return recipe


def _unfinished(config: Mapping[str, Any], step: int) -> bool:
    """Whether a run that no rule stops was resumed at ``step`` before it had come to its end."""
    totals = [each.total for each in stretches(config) if each.begin < step]
    return config["recipe"]["stop"]["type"] == "stop/never" and step < totals[-1]


def _resumed(config: Mapping[str, Any], step: int) -> str | None:
    """The command line with which it was resumed there; None where it has values without words."""
    options: list[tuple[str, Any]] = []
    for change in (each for each in changes(config) if each.step == step):
        for path, value in change.values.items():
            above, dot, last = path.rpartition(".")
            options += _changes({last: value}, {last: change.before[path]}, above + dot)
    if any(value is NOTHING for _, value in options):
        return None
    steps = [0, *(each.total for each in stretches(config) if each.begin <= step)]
    more = f" --steps {steps[-1] - steps[-2]}" if any(each.begin == step for each in stretches(config)) else ""
    return f"argmaxq resume {AGAIN}{more}" + "".join(f" --{path} {value}" for path, value in options)


def _trained(config: Mapping[str, Any]) -> tuple[str, str]:
    """The command line of a run that was never resumed, as ``command``."""
    name, recipe, seeds = str(config["name"]), config["recipe"], config["seeds"]
    many = f" --seeds {len(seeds)}" if len(seeds) > 1 else ""
    first = f" --seed {seeds[0]}" if seeds[0] else ""
    if isinstance(recipe["env"]["id"], dict):
        return "", f"no command line makes its environment, {environment(config)}: it was trained from Python"
    if name in STARTS:
        words = f"argmaxq train {name} --env {shlex.quote(environment(config))} --steps {recipe['steps']}{first}{many}"
        note = f"the start {name} chose its values by looking at the environment"
        return words, f"{note}; values given by hand are in the tree"
    if name not in recipes():
        return "", "it was trained from Python, with a recipe of its own: the tree has all of its values"
    changed = list(_changes(recipe, _shipped(config)))
    if any(value is NOTHING for _, value in changed):
        return "", "it holds an object of its user's own, which no command line can give again"
    options = "".join(f" --{path} {value}" for path, value in changed)
    return f"argmaxq train {shlex.quote(name)}{options}{first}{many}", ""


def _shipped(config: Mapping[str, Any]) -> Any:
    """The recipe that a command line begins with, as JSON: what its number of steps brings with it is in it."""
    base, _ = base_of(config)
    recipe = config["recipe"]
    if recipe["env"]["id"] != base["env"]["id"] or recipe["steps"] == base["steps"]:
        return base
    return to_json(choose(config["name"], [("steps", recipe["steps"])]).recipe) | {"steps": base["steps"]}


def study_command(
    configs: Mapping[str, Mapping[str, Any]], vary: Mapping[str, Sequence[str]], seeds: Sequence[int]
) -> tuple[str, str]:
    """As ``command``, of a study: ``configs`` are those of any run of each recipe, by its name."""
    if not configs or not configs.keys() <= recipes().keys():
        return "", "no command line repeats it: its recipes are not all known by a name, or chose values for themselves"
    listed = [
        [(path, value) for path, value in _changes(each["recipe"], _shipped(each)) if not _below(path, vary)]
        for each in configs.values()
    ]
    values = [value for own in vary.values() for value in own]
    if any(own != listed[0] for own in listed) or any(set("{[,'") & set(value) for value in values):
        return "", "no command line repeats it, since it was made in Python"
    if any(value is NOTHING for _, value in listed[0]):
        return "", "it holds an object of its user's own, which no command line can give again"
    varied = "".join(" --vary " + shlex.quote(f"{path}={','.join(own)}") for path, own in vary.items())
    options = "".join(f" --{path} {value}" for path, value in listed[0])
    if list(seeds) != list(range(seeds[0], seeds[0] + len(seeds))):
        return "", f"its seeds are {', '.join(map(str, seeds))}, which only Python can give"
    first = f" --seed {seeds[0]}" if seeds[0] else ""
    return f"argmaxq study {' '.join(map(shlex.quote, configs))}{varied}{options}{first} --seeds {len(seeds)}", ""


def _below(path: str, vary: Mapping[str, Any]) -> bool:
    """Whether a value is varied, or belongs to what is."""
    return any(path == varied or path.startswith(f"{varied}.") for varied in vary)


def _node(name: str, value: Any, base: Any) -> Node:
    if not _component(value):
        was = None if base is NOTHING or value == base else written(base)
        return Node(name, written(value), was)
    same = _component(base) and base["type"] == value["type"]
    fields = base if same else _defaults(value["type"])
    below = tuple(_node(key, own, fields.get(key, NOTHING)) for key, own in value.items() if key != "type")
    return Node(name, kind(value), None if same or base is NOTHING else written(base), below)


def _changes(value: Mapping[str, Any], base: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Options, each path with its value as words; ``NOTHING`` for what has no words."""
    for key, own in value.items():
        where, old = f"{path}{key}", base.get(key, NOTHING)
        if key == "type" or own == old:
            continue
        if _component(own):
            if not (_component(old) and old["type"] == own["type"]):
                yield where, shlex.quote(kind(own))
                # What is named keeps what the former one had by the same names, so these are said, too.
                kept = {k: v for k, v in old.items() if k != "type"} if _component(old) else {}
                old = _defaults(own["type"]) | {k: v for k, v in kept.items() if k in own and not _component(v)}
            yield from _changes(own, old, f"{where}.")
        elif isinstance(own, dict):
            if OWN in own or not all(isinstance(each, int | float | str) for each in own.values()):
                yield where, NOTHING
            else:
                yield from ((f"{where}.{k}", shlex.quote(written(each))) for k, each in own.items())
        elif isinstance(own, list) and any(isinstance(each, list | dict) for each in own):
            yield where, NOTHING
        else:
            words = [written(each) for each in own] if isinstance(own, list) else [written(own)]
            yield where, " ".join(map(shlex.quote, words))


def _defaults(type_: str) -> dict[str, Any]:
    """The fields of a component as it is by default; none where it is unknown or has to be told some."""
    role, _, name = type_.partition("/")
    try:
        found = to_json(lookup(role, name)())  # type: ignore[misc]
    except Exception:  # a component of another's own may do anything when it is made
        return {}
    return found if isinstance(found, dict) else {}


def _component(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("type"), str)


def kind(value: Any) -> str:
    """The name of a component, without its role; empty for what is none."""
    return str(value["type"]).partition("/")[2] if _component(value) else ""


def written(value: Any) -> str:
    """A value as the command line has it."""
    if _component(value):
        return kind(value)
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, list):
        return " ".join(map(written, value)) or "none"
    if isinstance(value, dict):
        own = value.get(OWN)
        return str(own) if own is not None else ", ".join(f"{k}: {written(v)}" for k, v in value.items()) or "none"
    return str(value)
