import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from argmaxq.components.checks import validate
from argmaxq.components.component import component
from argmaxq.components.errors import UserError
from argmaxq.components.paths import documentation, get, paths, replace
from samples.components import Even, Flat, Plan, RankedMemory, Slope, Student, World, components


def test_replace_changes_one_path_and_nothing_else():
    before = Plan(Student(RankedMemory(7)))
    after = replace(before, "student.memory.alpha", 0.25)
    assert after == Plan(Student(RankedMemory(7, 0.25)))
    assert before == Plan(Student(RankedMemory(7)))


@given(components(Plan), st.data())
def test_get_after_replace(plan, data):
    plan = plan if plan.student.box[0] <= plan.student.box[1] else replace(plan, "student.box", (0, 1))
    place = data.draw(st.sampled_from(paths(plan)))
    assert get(plan, place.path) == place.value
    assert replace(plan, place.path, place.value) == plan


@given(st.permutations(["student.memory", "student.memory.beta", "student.memory.beta.value", "world.lanes", "world"]))
def test_a_mapping_in_any_order_sets_parents_first(order):
    values = {
        "student.memory": "ranked-memory",
        "student.memory.beta": "flat",
        "student.memory.beta.value": 0.5,
        "world": "Acrobot-v1",
        "world.lanes": 8,
    }
    changed = replace(Plan(), {path: values[path] for path in order})
    assert changed == Plan(Student(RankedMemory(1_000, beta=Flat(0.5))), World("Acrobot-v1", lanes=8))


def test_a_component_named_keeps_the_fields_it_shares():
    named = replace(Plan(Student(Even(77))), "student.memory", "ranked_memory")
    assert named.student.memory == RankedMemory(capacity=77)
    assert replace(named, "student.memory.alpha", 0.1).student.memory == RankedMemory(77, 0.1)
    assert replace(Student(), "curve", "slope").curve == Slope()
    assert replace(RankedMemory(beta=Slope(end=0.5)), "beta", "slope").beta == Slope(end=0.5)


def test_a_component_is_put_as_it_is():
    assert replace(Student(Even(77)), "memory", RankedMemory()).memory == RankedMemory()
    assert replace(Student(curve=Flat()), "curve", None).curve is None


def test_shorthand():
    assert replace(Plan(), "world", "Acrobot-v1").world == World("Acrobot-v1")
    assert replace(Plan(), "world", dict).world.id is dict
    assert replace(Plan(world=World("x", 3)), "world", "world").world == World("x", 3)  # a component's name is a name
    assert replace(Student(curve=Flat()), "curve", "0.5").curve == Flat(0.5)
    with pytest.raises(UserError, match=r"curve\.value = 7\.0 is out of its range"):
        replace(Student(curve=Flat()), "curve", 7)


@pytest.mark.parametrize(
    ("path", "value", "result"),
    [
        ("student.rate", "1e-4", 1e-4),
        ("student.rate", 1, 1.0),
        ("student.rate", np.float32(0.5), 0.5),
        ("student.rate", jnp.float32(0.5), 0.5),
        ("steps", "1e5", 100_000),
        ("steps", "9007199", 9_007_199),
        ("steps", 2e4, 20_000),
        ("steps", np.int64(5), 5),
        ("student.clip", "true", True),
        ("student.clip", "False", False),
        ("student.widths", "64 32", (64, 32)),
        ("student.widths", "64,32", (64, 32)),
        ("student.widths", "(64, 32)", (64, 32)),
        ("student.widths", "64", (64,)),
        ("student.widths", "", ()),
        ("student.widths", [64, 1e2], (64, 100)),
        ("student.box", "-2 .5", (-2.0, 0.5)),
        ("student.mode", "double", "double"),
        ("student.limit", "none", None),
        ("student.limit", "7", 7),
        ("world.id", "7", "7"),
        ("world.kwargs", '{"gravity": -3, "a": {"b": [1, null]}}', {"gravity": -3, "a": {"b": [1, None]}}),
    ],
)
def test_values_are_read_by_annotation(path, value, result):
    found = get(replace(Plan(), path, value), path)
    assert found == result
    assert type(found) is type(result)


def test_dashes_are_underscores():
    @component("dashed")
    class Dashed:
        learning_rate: float = 0.1

    assert replace(Dashed(), "learning-rate", 1.0) == replace(Dashed(), "learning_rate", 1.0) == Dashed(1.0)
    assert get(Dashed(), "learning-rate") == 0.1


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("student.rtae", 1, "there is no student.rtae: did you mean student.rate?"),
        ("studnet.rate", 1, "there is no studnet: did you mean student?"),
        ("rate", 1, "there is no rate: did you mean student.rate?"),
        ("xyz", 1, "there is no xyz: known: student, world, steps"),
        ("student.memory.alpha", 1, "there is no student.memory.alpha: student.memory is even; ranked-memory would"),
        ("steps.x", 1, "there is no steps.x: steps is a value and has no parts"),
        ("student.curve.start", 1, "there is no student.curve.start: student.curve is none and has no parts"),
        ("student.memory", "ranked", "student.memory = ranked is no study-memory: did you mean ranked-memory or"),
        ("student.memory", Flat(), "student.memory = flat is no study-memory: known: even, ranked-memory, wrapped"),
        ("student.memory", "wrapped", "student.memory = wrapped: its name is not enough, it needs inner"),
        ("student.memory", RankedMemory(alpha=3), "student.memory.alpha = 3 is out of its range"),
        ("student.memory", "none", "student.memory = none is no study-memory"),
        ("student.rate", "fast", "student.rate = 'fast': a number is needed"),
        ("student.rate", -1, "student.rate = -1.0 is out of its range: it must be more than 0"),
        ("student.rate", np.ones(2), "student.rate = array([1., 1.]): a number is needed"),
        ("student.rate", np.eye(2), "student.rate = array([[1., 0.], [0., 1.]]): a number is needed"),
        ("steps", "1.5", "steps = 1.5: a whole number is needed"),
        ("steps", "inf", "steps = inf: a whole number is needed"),
        ("steps", -5, "steps = -5 is out of its range: it must be at least 0"),
        ("steps", "none", "steps = 'none': a whole number is needed"),
        ("student.clip", "yes", "student.clip = 'yes': it must be true or false"),
        ("student.widths", "64 x", "student.widths[1] = 'x': a whole number is needed"),
        ("student.widths", "64 0", "student.widths[1] = 0 is out of its range"),
        ("student.widths", 64, "student.widths = 64: it must be a tuple"),
        ("student.box", "1 2 3", "student.box = '1 2 3': it must be a tuple of length 2"),
        ("student.box", "2 1", "student: box is upside down"),
        ("student.mode", "min", "student.mode = 'min': it must be one of max, double"),
        ("world.kwargs", "{gravity}", "world.kwargs = '{gravity}': it must be a dict, or as text a JSON object"),
    ],
)
def test_mistakes_give_one_clear_line(path, value, message):
    with pytest.raises(UserError) as error:
        replace(Plan(), path, value)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def _complaint(path, value):
    try:
        validate(replace(Plan(), path, value))
    except UserError as error:
        return str(error)
    return ""


@given(st.text(max_size=12), st.text(max_size=12))
def test_any_text_is_either_right_or_a_user_error(part, value):
    for path in [part, f"student.{part}", *(place.path for place in paths(Plan()))]:
        assert len(_complaint(path, value).splitlines()) <= 1


def test_paths_tell_value_annotation_and_help():
    found = {place.path: place for place in paths(Plan())}
    assert list(found)[:3] == ["student", "student.memory", "student.memory.capacity"]
    assert found["student.memory.capacity"].value == 1_000
    assert found["student.memory.capacity"].help == "Rows kept; the oldest go first."
    assert found["student.rate"].help == ""
    assert found["steps"][2:] == (found["steps"].hint, "How long.")


def test_documentation():
    assert documentation(RankedMemory) == ("By surprise (Schaul et al. 2016).", {})
    assert documentation(Student) == ("", {})
