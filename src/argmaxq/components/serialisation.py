"""Components as JSON and back, through the registry alone: reading imports and evaluates nothing that a file names.

What is read may name a module all the same: making an environment whose id is ``module:Id`` imports it. Before a recipe
leaves a run's folder, ``runs.trust`` says whether it may.
"""

import dataclasses
import math
import typing
from collections.abc import Mapping
from typing import Any

from argmaxq.components.annotations import elements, hints, options, plain_type
from argmaxq.components.checks import validate
from argmaxq.components.errors import UserError
from argmaxq.components.paths import convert
from argmaxq.components.registry import candidates, is_component, near, registry, role_of, type_name

OWN = "own"
"""The key that marks an object of the user's own, of which a file can only hold the text it prints as."""


def to_json(value: Any) -> Any:
    """A component as ``{"type": "role/name", field: value, ...}``, nested, of JSON's own types.

    Tuples become lists, NumPy and JAX scalars numbers. What JSON cannot hold, such as a callable or a Flax module,
    becomes ``{"own": text}``, and ``from_json`` must be given it again.
    """
    if is_component(value):
        fields = {name: to_json(getattr(value, name)) for name in hints(type(value))}
        return {"type": f"{role_of(type(value))}/{type_name(type(value))}", **fields}
    if getattr(value, "shape", None) == () and hasattr(value, "item"):  # a NumPy or JAX scalar
        return to_json(value.item())
    if isinstance(value, dict) and all(isinstance(key, str) for key in value) and OWN not in value:
        return {key: to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if value is None or isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return {OWN: _text(value)}


def from_json(data: Any, own: Mapping[str, Any] | None = None) -> Any:
    """The component that ``to_json`` wrote; ``own`` maps paths to the user's own objects. Missing fields take defaults.

    Raises:
        UserError: for an unknown type or field, a value of a wrong type or range, an own object that is not given, or
            one that is given for a path that needs none.
    """
    given = dict(own or {})
    value = validate(_component(data, "", given))
    if given:
        raise UserError(f"own object given for {', '.join(given)}, where the file has none")
    return value


def _component(data: Any, where: str, own: dict[str, Any]) -> Any:
    if not isinstance(data, dict) or not isinstance(data.get("type"), str):
        raise UserError(f'{where or "the configuration"} is no component: a JSON object with a "type" is needed')
    cls = _class(data["type"], where)
    known = hints(cls)
    if unknown := [name for name in data if name != "type" and name not in known]:
        raise UserError(
            f"{data['type']} has no field {_join(where, unknown[0])}: {near(unknown[0], known)}"
            " (the file may come from a newer version of argmaxq)"
        )
    values = {name: _value(data[name], hint, _join(where, name), own) for name, hint in known.items() if name in data}
    nothing = dataclasses.MISSING
    for field in dataclasses.fields(cls):
        if field.name not in values and field.default is field.default_factory is nothing:
            raise UserError(f"{_join(where, field.name)} is missing, and {data['type']} has no default for it")
    return cls(**values)


def _class(name: str, where: str) -> Any:
    role, _, short = name.partition("/")
    members = registry.get(role, {})
    if short not in members:
        names = [f"{role}/{short}" for role, members in registry.items() for short in members]
        raise UserError(f"{where or 'the configuration'} has the unknown type {name!r}: {near(name, names)}")
    return members[short]


def _value(data: Any, hint: Any, where: str, own: dict[str, Any]) -> Any:
    if isinstance(data, dict) and data.keys() == {OWN}:
        if where not in own:
            raise UserError(f"{where} was an object of your own, {data[OWN]}: pass it as own={{{where!r}: ...}}")
        return own.pop(where)
    if data is None and type(None) in options(hint):
        return None
    plain = plain_type(hint)
    if candidates(hint) or (plain is Any and isinstance(data, dict) and "type" in data):
        return _component(data, where, own)
    if isinstance(data, dict):
        return {key: _value(item, object, _join(where, key), own) for key, item in data.items()}
    if isinstance(data, list):
        whole = typing.get_origin(plain) is tuple
        inner = elements(hint, len(data)) if whole else [object] * len(data)
        inner += [object] * (len(data) - len(inner))  # too many elements: validate says so
        parts = [_value(item, inner[i], f"{where}[{i}]", own) for i, item in enumerate(data)]
        return tuple(parts) if whole else parts
    return data if isinstance(data, str) else convert(data, hint)


def _text(value: Any) -> str:
    """An own object in one line; a function by its name, since its address changes from run to run."""
    name = getattr(value, "__qualname__", None)
    return f"{value.__module__}.{name}" if name else " ".join(repr(value).split())


def _join(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name
