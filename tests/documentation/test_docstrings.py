"""Whatever a user sees says what it is: shapes of arrays, units, fields, mistakes; and its examples are true."""

import doctest
import importlib
import pkgutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FunctionType

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import argmaxq as aq
from argmaxq.components.registry import is_registered, registry
from support.documented import (
    Named,
    public,
    shapes,
    undescribed,
    undocumented,
    unsaid_errors,
    without_shape,
    without_units,
)
from support.places import DOCS

SEEN = list(public())
KNOWN = {"__name__": "examples", "aq": aq, "jax": jax, "jnp": jnp, "np": np}
"""What examples need not import."""
FIRST = ("argmaxq.verbs.train.train",)
"""Examples of runs look at the one that this trains."""


@pytest.mark.parametrize("lack", [undocumented, without_shape, without_units, undescribed, unsaid_errors])
def test_docstrings_say_what_has_to_be_known(lack: Callable[[Named], str]) -> None:
    assert len(SEEN) > 500
    wanting = [f"{each.name}: {found}" for each in SEEN if (found := lack(each))]
    assert not wanting, "\n".join(wanting)


def test_what_is_wanting_is_found() -> None:
    def bare(obs: aq.Array, steps: int) -> aq.Array:
        """Looks at obs within [0, 1]."""
        raise aq.UserError("no")

    each = Named("bare", bare, bare.__doc__ or "")
    assert without_shape(each) == "no shape, but arrays: obs, result"
    assert without_units(each) == "no unit: steps"
    assert unsaid_errors(each)
    assert shapes("[], [k, lanes, ...], [1 + P], [*shape, 2] are shapes; [-1, 1], [0.0, 1.0], [a b] are none") == [
        *("", "k, lanes, ...", "1 + P", "*shape, 2")
    ]


def examples() -> Iterator[doctest.DocTest]:
    finder, source = doctest.DocTestFinder(), Path(aq.__file__).parent
    for path in sorted(source.rglob("*.py")):
        if ">>> " in path.read_text():
            parts = path.relative_to(source.parent).with_suffix("").parts
            module = importlib.import_module(".".join(parts).removesuffix(".__init__"))
            yield from (each for each in finder.find(module) if each.examples)


def test_examples_are_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for role, members in registry.items():
        monkeypatch.setitem(registry, role, dict(members))  # an example makes a component, for itself alone
    runner, said = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS), []
    found = sorted(examples(), key=lambda each: each.name not in FIRST)
    for each in found:
        each.globs.update(KNOWN)
        runner.run(each, out=said.append)
    assert len(found) > 50
    assert not runner.failures, "".join(said)


def test_each_component_and_verb_stands_in_the_reference() -> None:
    folder = DOCS / "reference"
    if not folder.exists():
        pytest.skip("these are the library's files alone")
    lines = [line for path in folder.glob("*.md") for line in path.read_text().splitlines()]
    there = {pkgutil.resolve_name(line.split()[1]) for line in lines if line.startswith(":::")}
    classes = {each.item for each in SEEN if isinstance(each.item, type)}
    components = {each for each in classes if is_registered(each)}
    verbs = {each.item for each in SEEN if each.name.count(".") == 1 and isinstance(each.item, type | FunctionType)}
    assert sorted(each.__qualname__ for each in (components | verbs) - there) == []
