"""Components as JSON and back, through the registry: reading evaluates nothing, and imports what its caller allows.

A component of a user's own is written ``role/module:Class``. Where that class is not registered yet, its module is
imported only if the caller names it as one that may be; for what leaves a run's folder, ``runs.trust`` says so. Making
an environment whose id is ``module:Id`` imports a module, too.
"""

import dataclasses
import math
import re
import typing
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from argmaxq.components.adoption import adopted
from argmaxq.components.annotations import elements, hints, options, plain_type
from argmaxq.components.checks import validate
from argmaxq.components.errors import UserError
from argmaxq.components.modules import load, referred
from argmaxq.components.paths import convert, former, replace
from argmaxq.components.registry import (
    SCRIPT,
    candidates,
    is_component,
    is_ours,
    lookup,
    near,
    reference,
    registry,
    role_of,
)

OWN = "own"
"""The key that marks an object of the user's own, of which a file can only hold the text it prints as."""


LONGEST = 200
"""Letters of that text: an NNX module prints all of its parameters."""


def to_json(value: Any) -> Any:
    """A component as ``{"type": "role/name", field: value, ...}``, nested, of JSON's own types.

    The name of a component of the user's own is ``module:Class``. Tuples become lists, NumPy and JAX scalars numbers.
    What JSON cannot hold, such as a callable or a Flax module, becomes ``{"own": text}``, and ``from_json`` must be
    given it again.
    """
    if is_component(value):
        fields = {name: to_json(getattr(value, name)) for name in hints(type(value))}
        return {"type": f"{role_of(type(value))}/{reference(type(value))}", **fields}
    if getattr(value, "shape", None) == () and hasattr(value, "item"):  # a NumPy or JAX scalar
        return to_json(value.item())
    if isinstance(value, dict) and all(isinstance(key, str) for key in value) and OWN not in value:
        return {key: to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple) and not hasattr(value, "_fields"):  # a list would not say whose fields
        return [to_json(item) for item in value]
    if value is None or isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return {OWN: _text(value)}


def from_json(data: Any, own: Mapping[str, Any] | None = None, importable: Collection[str] = ()) -> Any:
    """The component that ``to_json`` wrote. Missing fields take defaults.

    Args:
        data: What was written.
        own: By path the user's own objects; also whole components that are, or hold, anything of the user's own.
        importable: What may be imported as ``module:Class`` where it is not registered.

    Raises:
        UserError: for an unknown type or field, a value of a wrong type or range, an own object that is not given, or
            one that is given for a path that needs none.
    """
    source = _Source(dict(own or {}), importable)
    value = validate(_component(data, "", source))
    if source.own:
        raise UserError(f"own object given for {', '.join(source.own)}, where the file has none")
    return value


def types(data: Any) -> dict[str, str]:
    """The type, ``role/name``, of everything in JSON data that may be a component, by path."""
    return {where: node["type"] for where, node in _objects(data) if isinstance(node.get("type"), str)}


class _Source(NamedTuple):
    """Where that comes from which JSON cannot hold: objects by path, used up as they are found, and modules."""

    own: dict[str, Any]
    importable: Collection[str]


def _component(data: Any, where: str, source: _Source) -> Any:
    if not isinstance(data, dict) or not isinstance(data.get("type"), str):
        raise UserError(f'{where or "the configuration"} is no component: a JSON object with a "type" is needed')
    cls = _class(data["type"], where, source.importable)
    known = hints(cls)
    moved = {former(cls)[name]: value for name, value in data.items() if name not in known and name in former(cls)}
    data = {name: value for name, value in data.items() if name in known or name not in former(cls)}
    if unknown := [name for name in data if name != "type" and name not in known]:
        raise UserError(
            f"{data['type']} has no field {_join(where, unknown[0])}: {near(unknown[0], known)}"
            " (the file may come from a newer version of argmaxq)"
        )
    values = {
        name: _value(data[name], hint, _join(where, name), source) for name, hint in known.items() if name in data
    }
    nothing = dataclasses.MISSING
    for field in dataclasses.fields(cls):
        if field.name not in values and field.default is field.default_factory is nothing:
            raise UserError(f"{_join(where, field.name)} is missing, and {data['type']} has no default for it")
    return replace(cls(**values), moved) if moved else cls(**values)


def _class(name: str, where: str, importable: Collection[str]) -> Any:
    role, _, short = name.partition("/")
    named = referred(short)
    if (known := lookup(role, short)) is not None:
        return known
    if named is not None and named.module == SCRIPT:
        raise UserError(
            f"{where} is a {named.name}, a class of a script or notebook, which no other process can import: put it "
            f"into a module of its own; in Python define it first, or pass it as own={{{where!r}: ...}}"
        )
    if named is not None and short in importable:
        load(named)
        if (known := lookup(role, short)) is not None:
            return known
    names = [f"{role}/{short}" for role, members in registry.items() for short in members]
    raise UserError(
        f"{where or 'the configuration'} has the unknown type {name!r}: {near(name, names)}; if it is your own, import "
        "its module before"
    )


def _value(data: Any, hint: Any, where: str, source: _Source) -> Any:
    if where in source.own and _is_own(data, hint):
        return convert(source.own.pop(where), hint, where=where)
    if isinstance(data, dict) and data.keys() == {OWN}:
        raise UserError(
            f"{where} was an object of your own, {data[OWN]}: pass it as own={{{where!r}: ...}} to aq.Run, aq.load or "
            "aq.resume in Python"
        )
    if data is None and type(None) in options(hint):
        return None
    plain = plain_type(hint)
    if is_component(taken := adopted(data, hint)):
        return taken
    if candidates(hint) or (plain is Any and isinstance(data, dict) and "type" in data):
        return _component(data, where, source)
    if isinstance(data, dict):
        return {key: _value(item, object, _join(where, key), source) for key, item in data.items()}
    if isinstance(data, list):
        whole = typing.get_origin(plain) is tuple
        inner = elements(hint, len(data)) if whole else [object] * len(data)
        inner += [object] * (len(data) - len(inner))  # too many elements: validate says so
        parts = [_value(item, inner[i], f"{where}[{i}]", source) for i, item in enumerate(data)]
        return tuple(parts) if whole else parts
    return data if isinstance(data, str) else convert(data, hint)


def _is_own(data: Any, hint: Any) -> bool:
    """Whether data stands for an object of the user's own, or for a component that is one or holds any."""
    if candidates(hint):
        return any(node.keys() == {OWN} or _is_foreign(node.get("type")) for _, node in _objects(data))
    return isinstance(data, dict) and data.keys() == {OWN}


def _is_foreign(name: Any) -> bool:
    """Whether a type is none of ours."""
    if not isinstance(name, str):
        return False
    role, _, short = name.partition("/")
    cls = lookup(role, short)
    return cls is None or not is_ours(cls)


def _objects(data: Any, where: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every JSON object in data with its path, parents before children."""
    if isinstance(data, dict):
        yield where, data
        for key, item in data.items():
            yield from _objects(item, _join(where, key))
    elif isinstance(data, list):
        for i, item in enumerate(data):
            yield from _objects(item, f"{where}[{i}]")


def _text(value: Any) -> str:
    """An own object in one line; a function by its name, and no addresses, which change from run to run."""
    if name := getattr(value, "__qualname__", None):
        return f"{value.__module__}.{name}"
    text = re.sub(r" at 0x[0-9a-f]+", "", " ".join(repr(value).split()))
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _join(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name
