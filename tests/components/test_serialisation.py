import importlib
import json
import math
import pkgutil
import subprocess

import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import argmaxq.agents
import argmaxq.learning
import argmaxq.networks
import argmaxq.replay
from argmaxq.components.checks import validate
from argmaxq.components.component import component
from argmaxq.components.errors import UserError
from argmaxq.components.paths import paths
from argmaxq.components.registry import registry
from argmaxq.components.serialisation import from_json, to_json
from samples.components import Curve, Even, Flat, Plan, RankedMemory, Slope, Student, World, Wrapped, components

for room in (argmaxq.agents, argmaxq.learning, argmaxq.networks, argmaxq.replay):
    for module in pkgutil.iter_modules(room.__path__, f"{room.__name__}."):
        importlib.import_module(module.name)
LIBRARY = [cls for members in registry.values() for cls in members.values() if cls.__module__.startswith("argmaxq.")]


def _through_text(value):
    return json.loads(json.dumps(to_json(value), allow_nan=False))


@given(components(Plan))
def test_round_trip(plan):
    if plan.student.box[0] > plan.student.box[1]:
        with pytest.raises(UserError, match="upside down"):
            from_json(to_json(plan))
    else:
        assert from_json(_through_text(plan)) == plan


@pytest.mark.parametrize("cls", LIBRARY, ids=lambda cls: cls.__name__)
# Widths below 1 and the like are drawn, too, and left out.
@settings(max_examples=20, suppress_health_check=[HealthCheck.filter_too_much])
@given(st.data())
def test_round_trip_of_the_library(cls, data):
    value = data.draw(components(cls))
    assume(_valid(value))
    assert from_json(_through_text(value)) == value


def _valid(value):
    try:
        return validate(value) is value
    except UserError:
        return False


def test_the_format():
    assert to_json(Plan(Student(RankedMemory(5), widths=(3,), curve=Flat(1.0)))) == {
        "type": "plan/samples.components:Plan",
        "student": {
            "type": "student/samples.components:Student",
            "memory": {
                "type": "study-memory/samples.components:RankedMemory",
                "capacity": 5,
                "alpha": 0.6,
                "beta": {"type": "curve/samples.components:Slope", "start": 1.0, "end": 0.0, "per": "step"},
            },
            "rate": 1e-3,
            "widths": [3],
            "box": [-1.0, 1.0],
            "mode": "max",
            "clip": False,
            "limit": None,
            "curve": {"type": "curve/samples.components:Flat", "value": 1.0},
            "module": None,
        },
        "world": {"type": "world/samples.components:World", "id": "CartPole-v1", "lanes": 1, "kwargs": {}},
        "steps": 50_000,
    }


def test_scalars_become_plain_numbers():
    written = to_json(RankedMemory(np.int64(5), jnp.float32(0.5), Slope(np.float32(1))))
    assert written == to_json(RankedMemory(5, 0.5, Slope(1.0)))
    assert [type(written[name]) for name in ("capacity", "alpha")] == [int, float]


def test_missing_fields_take_defaults():
    assert from_json({"type": "study-memory/ranked-memory", "alpha": 1}) == RankedMemory(alpha=1.0)
    with pytest.raises(UserError, match="inner is missing, and study-memory/wrapped has no default"):
        from_json({"type": "study-memory/wrapped"})
    assert from_json(to_json(Wrapped(Even(3)))) == Wrapped(Even(3))


def _plan(**student):
    return {"type": "plan/plan", "student": {"type": "student/student", **student}}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            _plan(raet=1),
            "student/student has no field student.raet: did you mean rate? (the file may come from a newer",
        ),
        (_plan(memory={"type": "study-memory/evn"}), "student.memory has the unknown type 'study-memory/evn': did you"),
        (_plan(memory={"type": "os/system"}), "student.memory has the unknown type 'os/system'"),
        (_plan(memory={"type": "even"}), "student.memory has the unknown type 'even'"),
        (_plan(memory={"type": ["even"]}), "student.memory is no component"),
        (_plan(memory={"type": "curve/flat"}), "student.memory = flat is no study-memory"),
        (_plan(memory="even"), "student.memory is no component"),
        (_plan(memory=None), "student.memory is no component"),
        (_plan(memory={"capacity": 3}), "student.memory is no component"),
        (_plan(rate=-1), "student.rate = -1.0 is out of its range"),
        (_plan(rate="1"), "student.rate = '1': a number is needed"),
        (_plan(rate={"a": 1}), "student.rate = {'a': 1}: a number is needed"),
        (_plan(widths=[64, "x"]), "student.widths[1] = 'x': a whole number is needed"),
        (_plan(box=[1, 2, 3]), "student.box = (1.0, 2.0, 3): it must be a tuple of length 2"),
        (_plan(box=[1]), "student.box = (1.0,): it must be a tuple of length 2"),
        (_plan(mode="min"), "student.mode = 'min': it must be one of max, double"),
        ([], "the configuration is no component"),
        ({}, "the configuration is no component"),
    ],
)
def test_a_damaged_file_gives_one_clear_line(data, message):
    with pytest.raises(UserError) as error:
        from_json(data)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_nothing_is_imported_by_name():
    for name in ("subprocess.Popen", "subprocess/Popen", "samples.components.Flat", "curve/samples.components.Flat"):
        with pytest.raises(UserError, match="unknown type"):
            from_json({"type": name, "args": "true"})
    assert subprocess.Popen is not None


class Body(nn.Module):
    widths: tuple[int, ...] = (8, 8)

    @nn.compact
    def __call__(self, x):
        return nn.Dense(self.widths[0])(x)


def make_world():
    return None


def test_objects_of_the_users_own_are_named_and_asked_for():
    plan = Plan(Student(module=Body()), World(make_world, kwargs={"reward": make_world, "size": 3}))
    written = _through_text(plan)
    assert written["world"]["id"] == {"own": f"{make_world.__module__}.make_world"}
    assert "Body" in written["student"]["module"]["own"]
    assert "\n" not in written["student"]["module"]["own"]

    own = {"student.module": Body(), "world.id": make_world, "world.kwargs.reward": make_world}
    assert from_json(written, own) == plan
    assert set(own) == {"student.module", "world.id", "world.kwargs.reward"}  # not consumed
    for path in own:
        given = {other: value for other, value in own.items() if other != path}
        with pytest.raises(UserError, match=rf"{path} was an object of your own, .*: pass it as own="):
            from_json(written, given)
    with pytest.raises(UserError, match=r"own object given for world\.ids, where"):
        from_json(written, {**own, "world.ids": 1})


@pytest.mark.parametrize("value", [{"own": "x"}, {1: 2}, np.ones(2), math.inf, object()])
def test_what_json_cannot_hold_is_the_users_own(value):
    student = Student(module=value)
    written = _through_text(student)
    assert set(written["module"]) == {"own"}
    assert from_json(written, {"module": value}).module is value


def test_components_in_tuples_and_untyped_fields():
    @component("bundle")
    class Bundle:
        curves: tuple[Curve, ...] = ()
        anything: object = None

    bundle = Bundle((Flat(0.5), Slope()))
    assert from_json(_through_text(bundle)) == bundle
    assert from_json(_through_text(Student(module=Flat(0.5)))) == Student(module=Flat(0.5))


def test_the_library_has_components():
    assert {"DQN", "MLP", "Uniform", "Prioritised", "EpsilonGreedy"} <= {cls.__name__ for cls in LIBRARY}


@pytest.mark.parametrize("cls", LIBRARY, ids=lambda cls: cls.__name__)
def test_every_field_of_the_library_says_what_it_is(cls):
    assert [place.path for place in paths(cls()) if not place.help] == []
