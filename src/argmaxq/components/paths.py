"""One path language, ``replace(recipe, "agent.replay.alpha", 0.5)``, shared by Python, command line, studies and files.

A path names a field below a component. Dashes and underscores are equal in it.
"""

import dataclasses
import json
import re
import typing
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Literal, NamedTuple, TypeVar, overload

from argmaxq.components.adoption import adopted
from argmaxq.components.annotations import elements, hints, options, plain_type, suiting
from argmaxq.components.checks import check_field, validate
from argmaxq.components.errors import UserError
from argmaxq.components.modules import Reference, load, referred
from argmaxq.components.numerals import whole
from argmaxq.components.registry import candidates, is_component, is_registered, role_name, role_of, type_name

T = TypeVar("T")


class Path(NamedTuple):
    """One field below a component: where it is, what it holds, its annotation and what the docstring says of it."""

    path: str
    value: Any
    hint: Any
    help: str


class Documentation(NamedTuple):
    """What a class's docstring says: its first line, and of each field under ``Attributes:``."""

    summary: str
    fields: dict[str, str]


def paths(component: Any, prefix: str = "") -> list[Path]:
    """Every field below a component, parents before children."""
    found, said = [], documentation(type(component)).fields
    for name, hint in hints(type(component)).items():
        value, where = getattr(component, name), f"{prefix}.{name}" if prefix else name
        found.append(Path(where, value, hint, said.get(name, "")))
        found += paths(value, where) if is_component(value) else []
    return found


def get(component: Any, path: str) -> Any:
    """The value at a path.

    Raises:
        UserError: for an unknown part, with the nearest names.
    """
    for name in _names(component, path):
        component = getattr(component, name)
    return component


@overload
def replace(component: T, path: str, value: Any) -> T: ...
@overload
def replace(component: T, path: Mapping[str, Any]) -> T: ...
def replace(component: T, path: str | Mapping[str, Any], value: Any = None) -> T:
    """The same component with other values at one path, or at each path of a mapping, in any order.

    A component's name stands for its default that keeps the values of fields which the old component has too: from
    uniform to prioritised replay the capacity stays. One of a user's own is named ``module:Class``, too. Text is read
    as the field's annotation asks: ``"100k"``, ``"true"``, ``"64 64"`` or ``"64,64"``, ``"none"``, a JSON object for a
    dict. A number in the place of a schedule, or of a step size, is a constant one. Where a component's class has a
    ``shorthand``, a value that names no component sets the field so called.

    Raises:
        UserError: for an unknown path or component, with the nearest names, or a value of a wrong type or range.

    Examples:
        >>> recipe = replace(aq.find("cartpole/dqn"), {"agent.bootstrap": "double", "agent.n_step": 3})
        >>> recipe.agent.bootstrap, recipe.agent.n_step
        (Double(), 3)
    """
    return change(component, [(path, value)] if isinstance(path, str) else path.items())


def change(component: T, changes: Iterable[tuple[str, Any]]) -> T:
    """``replace`` for a list of (path, value), which may name a path twice; parents are set before their children."""
    for path, value in sorted(changes, key=lambda item: item[0].count(".")):
        component = _put(component, _names(component, path), value, "")
    return validate(component)


def convert(value: Any, hint: Any, old: Any = None, where: str = "") -> Any:
    """``value`` as a field so annotated holds it: names become components, text is read, whole floats become ints.

    What cannot be converted comes back as it is, for ``check_field`` to refuse. ``old`` is the field's present value.
    """
    if getattr(value, "shape", None) == () and hasattr(value, "item"):  # a NumPy or JAX scalar
        value = value.item()
    if isinstance(value, str) and value.lower() == "none" and type(None) in options(hint):
        return None
    plain = plain_type(hint)
    if candidates(hint):
        return _choose(value, hint, old, where)
    if typing.get_origin(plain) is tuple:
        return _tuple(value, hint)
    if isinstance(value, str):
        value = _read(value, plain)
    if plain is float and type(value) is int:
        return float(value)
    return int(value) if plain is int and isinstance(value, float) and value.is_integer() else value


def former(cls: type) -> dict[str, str]:
    """Where values stand now, by the names of fields that a class had in earlier versions."""
    found: dict[str, str] = getattr(cls, "former", {})
    return found


def documentation(cls: type) -> Documentation:
    """A class's docstring, read in Google's style."""
    from docstring_parser import DocstringStyle, parse  # here, so that starting up stays quick

    written = cls.__doc__ or ""
    own = not written.startswith(f"{cls.__name__}(")  # a dataclass without a docstring gets its signature for one
    parsed = parse(written if own else "", style=DocstringStyle.GOOGLE)
    fields = {part.arg_name: " ".join((part.description or "").split()) for part in parsed.params}
    return Documentation(parsed.short_description or "", fields)


def _put(component: Any, names: list[str], value: Any, where: str) -> Any:
    name, *below = names
    here = f"{where}.{name}" if where else name
    old, hint = getattr(component, name), hints(type(component))[name]
    if below:
        return dataclasses.replace(component, **{name: _put(old, below, value, here)})
    new = convert(value, hint, old, here)
    check_field(here, hint, new)
    return dataclasses.replace(component, **{name: new})


def _choose(value: Any, hint: Any, old: Any, where: str) -> Any:
    """The component that a name, or a value for the old one's shorthand field, stands for."""
    known, value = candidates(hint), _taken(value, hint)
    if isinstance(value, str) and (name := value.replace("_", "-").lower()) in known:
        return _switch(known[name], hint, old, where)
    named = None if plain_type(hint) in known.values() else referred(value)
    if named is not None:
        return _own(named, hint, old, where)
    field = getattr(type(old), "shorthand", None)
    if field is None or value is None or is_component(value):
        return value
    return _put(old, [field], value, where)


def _taken(value: Any, hint: Any) -> Any:
    """The component that a value, or the number that text stands for, is taken for; mostly the value itself."""
    number = _read(value, float) if isinstance(value, str) else value
    taken = adopted(number, hint)
    return taken if is_component(taken) else value


def _own(named: Reference, hint: Any, old: Any, where: str) -> Any:
    """The component of the class that ``module:Class`` names, whose module is imported."""
    cls = load(named)
    if cls in candidates(hint).values():
        return _switch(cls, hint, old, where)
    role = plain_type(hint)
    under = f"the role {role_of(cls)}" if isinstance(cls, type) and is_registered(cls) else "no role"
    raise UserError(
        f"{where} = {named.module}:{named.name} is no {role_name(role)}: it is a class under {under}, and one under "
        f"@aq.component({role.__name__}) is needed"
    )


def _switch(cls: type, hint: Any, old: Any, where: str) -> Any:
    """A class's component that suits the place, with the values of those fields that ``old`` has too."""
    mine, theirs = hints(cls), hints(type(old)) if is_component(old) else {}
    suited = next((each for each in suiting(hint) if type(each) is cls), None)
    kept = {name: getattr(suited, name) for name in mine} if suited is not None else {}
    kept |= {name: getattr(old, name) for name, own in mine.items() if name in theirs and theirs[name] == own}
    missing = [field.name for field in _required(cls) if field.name not in kept]
    if missing:
        needed = ", ".join(missing)
        raise UserError(f"{where} = {type_name(cls)}: its name is not enough, it needs {needed}: give it in Python")
    return cls(**kept)


def _required(cls: Any) -> list[Any]:
    nothing = dataclasses.MISSING
    return [field for field in dataclasses.fields(cls) if field.default is field.default_factory is nothing]


def _tuple(value: Any, hint: Any) -> Any:
    parts = re.findall(r"[^\s,()\[\]]+", value) if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or len(elements(hint, len(parts))) != len(parts):
        return value
    return tuple(convert(part, inner) for part, inner in zip(parts, elements(hint, len(parts)), strict=True))


def _read(text: str, plain: Any) -> Any:
    """Text as the type that an annotation asks for; the text itself where it does not read so."""
    if plain is bool:
        return {"true": True, "false": False}.get(text.lower(), text)
    if typing.get_origin(plain) is Literal:
        return next((member for member in typing.get_args(plain) if str(member) == text), text)
    number = whole(text) if plain is int or (plain is float and text[-1:].isalpha()) else None
    if number is not None:
        return number
    readers: dict[Any, Callable[[str], Any]] = {int: float, float: float, dict: json.loads}
    reader = readers.get(typing.get_origin(plain) or plain, str)
    try:
        return reader(text)
    except (ValueError, RecursionError):  # JSON may be nested too deeply
        return text


def _names(component: Any, path: str) -> list[str]:
    """The field names that a path is made of, each known to exist."""
    names, missing = _known(component, path)
    if missing is not None:
        raise UserError(f"there is no {'.'.join([*names, missing])}: {_advice(component, names, missing)}")
    return names


def _known(component: Any, path: str) -> tuple[list[str], str | None]:
    """The parts of a path that there are, and the first that there is not, if any."""
    names: list[str] = []
    here = component
    for part in path.replace("-", "_").split("."):
        if not is_component(here) or part not in hints(type(here)):
            return names, part
        names.append(part)
        here = getattr(here, part)
    return names, None


def _advice(root: Any, names: list[str], part: str) -> str:
    """What to write instead of an unknown ``part`` below ``names``."""
    return (_elsewhere(root, part) if not names else "") or _nearby(root, names, part)


def _elsewhere(root: Any, part: str) -> str:
    """Where a value stands that other libraries call so, by the table ``elsewhere`` of the root's class, if any."""
    paths_of_it = getattr(type(root), "elsewhere", {}).get(part, ())
    lacking = [(path, *_known(root, path)) for path in paths_of_it]
    if there := [path for path, _, missing in lacking if missing is None]:
        return f"did you mean {there[0]}?"
    return next(
        (f"here it is {path}, but {_nearby(root, names, missing or '')}" for path, names, missing in lacking), ""
    )


def _nearby(root: Any, names: list[str], part: str) -> str:
    """The names most like an unknown ``part``, or the components which would have it."""
    owner, where = get(root, ".".join(names)) if names else root, ".".join(names)
    if not is_component(owner):
        return f"{where} is {'none' if owner is None else 'a value'} and has no parts"
    if part in former(type(owner)):
        return f"it is {'.'.join([*names, former(type(owner))[part]])} now"
    dotless = {place.path.replace(".", "_"): place.path for place in paths(root)}
    if part in dotless:
        return f"did you mean {dotless[part]}?"
    siblings = {name: ".".join([*names, name]) for name in hints(type(owner))}
    if close := get_close_matches(part, siblings, cutoff=0.6):
        return f"did you mean {' or '.join(siblings[name] for name in close)}?"
    parent = get(root, ".".join(names[:-1])) if names[1:] else root
    others = candidates(hints(type(parent))[names[-1]]) if names else {}
    having = [name for name, cls in others.items() if part in hints(cls)]
    if having:
        return f"{where} is {type_name(type(owner))}; {' and '.join(having)} would have it"
    ends = {place.path.rsplit(".", 1)[-1]: place.path for place in reversed(paths(root))}
    if close := get_close_matches(part, ends, cutoff=0.8):
        return f"did you mean {' or '.join(ends[end] for end in close)}?"
    if known := _elsewhere(root, part):
        return known
    return f"known: {', '.join(siblings.values())}" if siblings else f"{where} has no fields"
