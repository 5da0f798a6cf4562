"""What a study trains, as pure data: the grid of settings, and groups of members that train side by side."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise, product
from typing import Any, NamedTuple

from argmaxq.components.annotations import Together, bounds_of, marks, plain_type
from argmaxq.components.component import walk
from argmaxq.components.errors import UserError
from argmaxq.components.paths import get, replace
from argmaxq.components.registry import is_component
from argmaxq.components.serialisation import to_json
from argmaxq.recipes.recipe import Recipe
from argmaxq.roles import heavy

WIDTH = 16
"""Members of a program at most: of more the state no longer fits the caches, and each step costs more."""
LARGEST = 100_000
"""Members of a study at most: each has a folder of its own."""
CAPACITY, ALLOCATION = "agent.replay.capacity", "agent.replay.allocation"
Engine = Callable[[Recipe], str]
"""The engine that trains a recipe."""


class Setting(NamedTuple):
    """One cell of the grid: the recipe's name, its varied values as they are told, by path, and the recipe itself."""

    name: str
    values: dict[str, str]
    recipe: Recipe


class Member(NamedTuple):
    """A setting, by its number, and a seed."""

    setting: int
    seed: int


class Group(NamedTuple):
    """Members that one driver trains.

    Attributes:
        engine: ``compiled`` or ``host``.
        family: Groups of one family train by the same program.
        members: Who they are.
        swept: Paths below ``agent`` of the numbers in which settings of the family differ.
        allocation: Rows that each replay allocates, where capacities differ.
        heavy: Whether the host trains it with a network that gains from several threads.
    """

    engine: str
    family: int
    members: tuple[Member, ...]
    swept: tuple[str, ...] = ()
    allocation: int | None = None
    heavy: bool = False

    @property
    def kind(self) -> str:
        """What its process is started for: ``compiled``, ``host`` or ``heavy``."""
        return "heavy" if self.heavy else self.engine

    @property
    def settings(self) -> int:
        """How many settings its members have."""
        return len({member.setting for member in self.members})

    def pinned(self, recipe: Recipe) -> Recipe:
        """A member's recipe as it is trained in the group."""
        return recipe if self.allocation is None else replace(recipe, ALLOCATION, self.allocation)


def grid(
    names: Sequence[str], vary: Mapping[str, Sequence[Any]], make: Callable[[str, Sequence[tuple[str, Any]]], Recipe]
) -> list[Setting]:
    """Every combination of the varied values, for each recipe; ``make`` gives a recipe by name with values by path.

    Raises:
        UserError: a path has no values, or two that are the same.
    """
    for path, values in vary.items():
        if not values:
            raise UserError(f"--vary {path}: it needs values, such as {path}=1,2")
    cells = [tuple(zip(vary, values, strict=True)) for values in product(*vary.values())]
    made = [(name, cell, make(name, cell)) for name in names for cell in cells]
    told = _labels(vary, made)
    settings = [Setting(name, told(cell, recipe), recipe) for name, cell, recipe in made]
    for number, setting in enumerate(settings):
        if any(setting.name == other.name and setting.recipe == other.recipe for other in settings[:number]):
            values = ", ".join(f"{path} = {value}" for path, value in setting.values.items())
            raise UserError(f"{setting.name} with {values or 'nothing varied'} is there twice: name it once")
    return settings


def grouped(settings: Sequence[Setting], seeds: Sequence[int], engine: Engine, width: Callable[[Recipe], int]) -> Any:
    """All groups that train these settings with these seeds; ``width`` says how many of a recipe fit in a program.

    Those of the host have a member each.
    """
    kinds = [engine(setting.recipe) for setting in settings]
    families = _families([setting.recipe for setting in settings], kinds)
    found: list[Group] = []
    for family, numbers in enumerate(families):
        members = [Member(number, seed) for number in numbers for seed in seeds]
        if kinds[numbers[0]] == "host":
            alone = heavy(settings[numbers[0]].recipe.agent)
            found += [Group("host", family, (member,), heavy=alone) for member in members]
            continue
        recipes = [settings[number].recipe for number in numbers]
        swept, allocation = _swept(recipes), _allocation(recipes)
        whole = Group("compiled", family, tuple(members), swept, allocation)
        least = min(recipes, key=lambda recipe: get(recipe, CAPACITY)) if _sizes(swept) else recipes[0]
        most = min(WIDTH, max(width(whole.pinned(least)), 2))
        found += [whole._replace(members=chunk) for chunk in chunks(members, most)]
    return found


def chunks(members: Sequence[Member], most: int) -> list[tuple[Member, ...]]:
    """The members in order, in as few chunks of at most ``most`` as can be, none more than one larger than another."""
    count = -(-len(members) // most)
    ends = [len(members) * number // count for number in range(count + 1)]
    return [tuple(members[first:end]) for first, end in pairwise(ends)]


def sweepable(recipe: Recipe) -> dict[str, Any]:
    """The agent's numbers by path which may differ in one program: traced ones that bound no loop."""
    return {path: value for path, hint, value in walk(recipe) if _is_sweepable(path, hint, value)}


def _is_sweepable(path: str, hint: Any, value: Any) -> bool:
    if not path.startswith("agent.") or isinstance(value, bool) or not isinstance(value, int | float):
        return False
    bounds = bounds_of(hint)
    leaf = plain_type(hint) is float or (plain_type(hint) is int and bounds is not None and bounds.traced)
    return leaf and not any(isinstance(mark, Together) for mark in marks(hint))


def _families(recipes: Sequence[Recipe], kinds: Sequence[str]) -> list[list[int]]:
    """The numbers of recipes that one program can train, in groups; what the host trains is alike only with itself."""
    found: list[tuple[Any, list[int]]] = []
    for number, recipe in enumerate(recipes):
        own = number if kinds[number] == "host" else -1, _shape(recipe)
        for shape, numbers in found:
            if shape == own:
                numbers.append(number)
                break
        else:
            found.append((own, [number]))
    return [numbers for _, numbers in found]


def _shape(recipe: Recipe) -> list[tuple[str, Any]]:
    """All that shapes a recipe's program, in order: what is not swept, and the types of components."""
    swept = sweepable(recipe)
    return [
        (path, path if path in swept else type(value) if is_component(value) else value)
        for path, _, value in walk(recipe)
    ]


def _swept(recipes: Sequence[Recipe]) -> tuple[str, ...]:
    """The paths below ``agent`` at which these recipes of one family differ."""
    numbers = [sweepable(recipe) for recipe in recipes]
    paths = [path for path in numbers[0] if any(own[path] != numbers[0][path] for own in numbers)]
    return tuple(path.removeprefix("agent.") for path in paths)


def _allocation(recipes: Sequence[Recipe]) -> int | None:
    """What replays have to allocate where their capacities differ and nothing else says it."""
    if not _sizes(_swept(recipes)) or get(recipes[0], ALLOCATION) is not None:
        return None
    return max(int(get(recipe, CAPACITY)) for recipe in recipes)


def _sizes(swept: Sequence[str]) -> bool:
    """Whether replays differ in their capacities."""
    return CAPACITY.removeprefix("agent.") in swept


def _labels(vary: Mapping[str, Any], made: Iterable[Any]) -> Callable[[Any, Recipe], dict[str, str]]:
    """(cell, recipe) -> what is told of the varied values: component's names and numbers, where these are enough."""
    seen: dict[str, dict[str, set[str]]] = {path: {} for path in vary}
    for _, _, recipe in made:
        for path in vary:
            data = to_json(get(recipe, path))
            seen[path].setdefault(_short(data), set()).add(str(data))
    enough = {path: all(len(whole) == 1 for whole in shorts.values()) for path, shorts in seen.items()}

    def told(cell: Any, recipe: Recipe) -> dict[str, str]:
        found = {path: to_json(get(recipe, path)) for path, _ in cell}
        return {path: _short(data) if enough[path] else str(data) for path, data in found.items()}

    return told


def _short(data: Any) -> str:
    """JSON data in a word, where it is a component's."""
    return str(data["type"]).rpartition("/")[2] if isinstance(data, dict) and "type" in data else str(data)
