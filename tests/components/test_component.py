import dataclasses
import math
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from argmaxq.components.annotations import Bounds, Count, Fraction
from argmaxq.components.checks import validate
from argmaxq.components.component import component, traced, walk
from argmaxq.components.errors import UserError
from argmaxq.components.protocols import fault
from argmaxq.components.registry import (
    candidates,
    is_component,
    lookup,
    near,
    protocols,
    registry,
    role_name,
    role_of,
    type_name,
)
from argmaxq.learning.returns import HLGauss, Scalar
from argmaxq.roles import Exploration, Network, Returns, Schedule
from samples.components import Curve, Even, Flat, Plan, RankedMemory, Slope, Student, StudyMemory, World


@pytest.mark.parametrize(
    ("bounds", "text", "inside", "outside"),
    [
        (Bounds(), "any finite number", [-1e300, 0, 10**400], [math.inf, -math.inf]),
        (Bounds(0.0), "at least 0", [0, 1e9], [-1e-9, math.inf]),
        (Bounds(0.0, open_low=True), "more than 0", [1e-300], [0, -1]),
        (Bounds(high=2.5), "at most 2.5", [-3, 2.5], [2.6]),
        (Bounds(0.0, 1.0), "at least 0 and at most 1", [0, 0.5, 1], [-0.1, 1.1]),
        (Bounds(1, 2**31 - 1), "at least 1 and at most 2147483647", [1, 2**31 - 1], [0, 2**31]),
    ],
)
def test_bounds(bounds, text, inside, outside):
    assert str(bounds) == text
    assert all(map(bounds.allow, inside))
    assert not any(map(bounds.allow, outside))


def test_names():
    names = [type_name(type(name, (), {})) for name in ("EpsilonGreedy", "RAdam", "DQN", "MLP", "Max")]
    assert names == ["epsilon-greedy", "radam", "dqn", "mlp", "max"]
    assert (role_name(StudyMemory), role_name("world")) == ("study-memory", "world")
    assert registry["study-memory"]["ranked-memory"] is RankedMemory
    assert role_of(RankedMemory) == "study-memory"
    assert is_component(Flat())
    assert not is_component(Flat)
    assert not is_component(Bounds())


def test_hyphens_do_not_part_names():
    assert lookup("returns", "hl-gauss") is lookup("returns", "hlgauss") is HLGauss
    assert lookup("returns", "hl-gaus") is None


def test_near_names():
    assert near("prioritized", ["uniform", "prioritised"]) == "did you mean prioritised?"
    assert near("zzz", ["uniform", "prioritised"]) == "known: prioritised, uniform"


def test_candidates_are_those_of_the_role_or_the_one_class():
    assert set(candidates(StudyMemory)) == {"even", "ranked-memory", "wrapped"}
    assert set(candidates(Curve | None)) == {"flat", "slope"}
    assert candidates(World) == {"world": World}
    assert candidates(int) == candidates(Fraction) == candidates(tuple[int, ...]) == {}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (Flat(1.5), "at.value = 1.5 is out of its range: it must be at least 0 and at most 1"),
        (Flat(math.nan), "at.value = nan: a number is needed"),
        (Flat(True), "at.value = True: a number is needed"),
        (Flat("1"), "at.value = '1': a number is needed"),
        (Even(math.inf), "at.capacity = inf: a whole number is needed"),
        (Even(math.nan), "at.capacity = nan: a whole number is needed"),
        (Even(2.5), "at.capacity = 2.5: a whole number is needed"),
        (Even(2**31), "at.capacity = 2147483648 is out of its range: it must be at least 0 and at most 2147483647"),
        (Student(rate=0), "at.rate = 0 is out of its range: it must be more than 0"),
        (Student(rate=math.inf), "at.rate = inf is out of its range: it must be more than 0"),
        (Student(widths=[64]), "at.widths = [64]: it must be a tuple"),
        (Student(widths=(64, 0)), "at.widths[1] = 0 is out of its range: it must be at least 1 and at most 2147483647"),
        (Student(widths=(64.0,)), "at.widths[0] = 64.0: a whole number is needed"),
        (Student(box=(1.0,)), "at.box = (1.0,): it must be a tuple of length 2"),
        (Student(mode="min"), "at.mode = 'min': it must be one of max, double"),
        (Student(clip=1), "at.clip = 1: it must be true or false"),
        (Student(memory=Flat()), "at.memory = flat is no study-memory: known: even, ranked-memory, wrapped"),
        (Student(memory=None), "at.memory = None is no study-memory: known: even, ranked-memory, wrapped"),
        (Student(memory=RankedMemory(beta=Slope(end=2))), "at.memory.beta.end = 2 is out of its range"),
        (Plan(student=Flat()), "at.student = flat is no student: known: student"),
        (World(kwargs=1), "at.kwargs = 1: it must be a dict"),
        (Student(box=(1.0, 0.0)), "at: box is upside down"),
        (Plan(Student(box=(1.0, 0.0))), "at.student: box is upside down"),
    ],
)
def test_validate_names_path_value_and_range(wrong, message):
    with pytest.raises(UserError) as error:
        validate(wrong, "at")
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "right", [Plan(), Flat(np.float32(0.5)), Flat(1), Even(1e5), Even(np.int64(3)), Student(curve=None), World(id=dict)]
)
def test_validate_returns_what_is_right(right):
    assert validate(right) is right


def test_walk_goes_parents_first():
    where = [path for path, _, _ in walk(Plan(Student(RankedMemory())))]
    assert where[:6] == [
        "student",
        "student.memory",
        "student.memory.capacity",
        "student.memory.alpha",
        "student.memory.beta",
        "student.memory.beta.start",
    ]
    assert len(where) == len(set(where)) == 21


def _traces(components):
    seen = []

    def function(part):
        seen.append(part)
        return part.value * 2

    jitted = jax.jit(function)
    results = [float(jitted(part)) for part in components]
    return results, len(seen)


def test_one_compilation_for_all_kinds_of_number():
    parts = [Flat(0.5), Flat(np.float32(0.5)), Flat(np.float64(0.25)), Flat(1), Flat(np.int64(1)), Flat(jnp.float32(0))]
    results, compilations = _traces([traced(part) for part in parts])
    assert results == [1.0, 1.0, 0.5, 2.0, 2.0, 0.0]
    assert compilations == 1
    assert _traces(parts)[1] > 1  # which is what the cast is for


def test_traced_casts_data_and_nothing_else():
    cast = traced(Plan(Student(RankedMemory(capacity=7), limit=3, curve=Flat(1))))
    memory = cast.student.memory
    assert memory.capacity.dtype == cast.student.limit.dtype == cast.steps.dtype == jnp.int32
    assert memory.alpha.dtype == cast.student.curve.value.dtype == cast.student.rate.dtype == jnp.float32
    assert not memory.alpha.weak_type
    assert (memory.beta.per, cast.student.widths, cast.world.lanes) == ("step", (64, 64), 1)
    assert (int(memory.capacity), int(cast.student.limit)) == (7, 3)


@given(st.floats(0, 1), st.integers(0, 2**31 - 1))
def test_pytree_round_trip(alpha, capacity):
    part = Student(RankedMemory(capacity, alpha))
    leaves, tree = jax.tree.flatten(part)
    assert leaves == [capacity, alpha, 1.0, 0.0, 1e-3]  # memory, its beta, rate; the rest is structure
    assert jax.tree.unflatten(tree, leaves) == part


def test_jit_and_vmap_do_not_validate():
    @component("strict-part")
    class Strict:
        value: Fraction = 0.5
        size: Annotated[int, Bounds(1)] = 3

        def check(self) -> None:
            if self.value > 1:  # fails on a tracer
                raise UserError("too much")

    grid = jax.tree.map(lambda *leaves: jnp.stack(leaves), *[traced(Strict(value)) for value in (0.0, 0.5, 1.0)])
    twice = jax.vmap(lambda part: part.value * part.size)(grid)
    assert twice.tolist() == [0.0, 1.5, 3.0]
    returned = jax.jit(lambda part: jax.tree.map(lambda leaf: leaf + 1, part))(Strict(1.0))
    assert (float(returned.value), returned.size) == (2.0, 3)
    with pytest.raises(UserError, match="range"):
        validate(Strict(2.0))


def test_structure_compiles_anew_and_data_does_not():
    seen = []
    jitted = jax.jit(lambda part: seen.append(part) or part.memory.capacity)
    for part in [
        Student(),
        Student(Even(3)),
        Student(Even(4), rate=1.0),
        Student(mode="double"),
        Student(RankedMemory()),
    ]:
        jitted(traced(part))
    assert len(seen) == 3


def test_the_library_follows_its_roles():
    assert {"exploration", "network", "agent", "schedule"} <= protocols.keys()
    both = [(protocols[role], cls) for role in protocols & registry.keys() for cls in registry[role].values()]
    assert [told for protocol, cls in both if (told := fault(protocol, cls))] == []


class Half:
    def noise(self, key, shape): ...
    def choose(self, q): ...
    def report(self, clock, *, more=None): ...


class Heir(Exploration):
    def noise(self, key, shape): ...
    def explores(self, clock, noise): ...
    def report(self, clock): ...


class Silent: ...


@pytest.mark.parametrize(
    ("role", "cls", "message"),
    [
        (
            Exploration,
            Half,
            "Half is no exploration: it lacks explores(self, clock, noise); "
            "choose(self, q) must be choose(self, q, clock, noise)",
        ),
        ("exploration", Half, "Half is no exploration: it lacks explores(self, clock, noise)"),
        (Exploration, Heir, "Heir is no exploration: it lacks choose(self, q, clock, noise)"),
        (Schedule, Silent, "Silent is no schedule: it lacks __call__(self, clock)"),
        (
            Network,
            Silent,
            "Silent is no network: it lacks init(self, key, obs, outputs), __call__(self, params, obs, key=None)",
        ),
        (Returns, Silent, "Silent is no returns: it lacks size (a field or a property), mean(self, z)"),
    ],
)
def test_a_class_that_lacks_methods_of_its_role_is_refused(role, cls, message):
    with pytest.raises(UserError) as caught:
        component(role)(type(cls.__name__, (cls,), {"__qualname__": cls.__qualname__}))
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
    assert type_name(cls) not in registry[role_name(role)]


def test_a_field_a_jitted_method_and_fewer_optional_arguments_will_do(monkeypatch):
    monkeypatch.setitem(registry, "network", dict(registry["network"]))
    monkeypatch.setitem(registry, "returns", dict(registry["returns"]))

    @component(Network)
    class Short:
        @jax.jit
        def init(self, key, obs, outputs): ...
        def __call__(self, params, obs): ...

    @component(Returns)
    class Sized(Scalar):
        size: int = 1

    assert {"short", "sized"} <= registry["network"].keys() | registry["returns"].keys()


def test_a_cell_run_again_replaces_its_class_and_another_class_is_refused(monkeypatch):
    monkeypatch.setitem(registry, "curve", dict(registry["curve"]))

    def cell(module):
        cls = type("Wave", (), {"__module__": module, "__qualname__": "Wave"})
        return component(Curve)(cls)

    first, again = cell("__main__"), cell("__main__")
    assert first is not again
    assert registry["curve"]["wave"] is again
    with pytest.raises(UserError, match=r"^at\.curve = .*: it was made before its class was defined again, so make it"):
        validate(Student(curve=first()), "at")
    with pytest.raises(UserError, match=r"already __main__\.Wave for the curve wave: call mine\.Wave otherwise"):
        cell("mine")
    with pytest.raises(
        UserError, match=r"already samples\.components\.Flat for the curve flat: call test_component\..*Flat other"
    ):

        @component(Curve)
        class Flat: ...

    assert registry["curve"]["wave"] is again


def test_components_are_frozen_values():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Flat().value = 1
    assert Flat(0.2) == Flat(0.2) != Flat(0.3)
    assert hash(Student()) == hash(Student())


def test_a_count_is_data_and_a_size_is_structure():
    assert jax.tree.leaves(Even(5)) == [5]
    assert jax.tree.leaves(World(lanes=5)) == []
    assert Count is not int
