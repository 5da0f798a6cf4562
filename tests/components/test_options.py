import contextlib
import json
import subprocess
import sys

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from argmaxq.components.checks import validate
from argmaxq.components.errors import UserError
from argmaxq.components.options import help_text, parse
from argmaxq.components.paths import paths
from argmaxq.components.registry import is_component, type_name
from samples.components import Flat, Plan, RankedMemory, Student, World, Wrapped, components


def _parse(line):
    return parse(Plan(), line.split())


def test_options_in_any_order_and_either_form():
    expected = Plan(Student(RankedMemory(1_000, alpha=0.5), widths=(32, 16)), World("Acrobot-v1", lanes=8), steps=50)
    options = [
        "--student.memory ranked-memory",
        "--student.memory.alpha=0.5",
        "--student.widths 32 16",
        "--world Acrobot-v1",
        "--world.lanes 8",
        "--steps 5e1",
    ]
    assert _parse(" ".join(options)) == _parse(" ".join(reversed(options))) == expected
    assert _parse("") == Plan()


def _words(plan):
    """The options that turn the default plan into this one."""
    for path, value, _, _ in paths(plan):
        if is_component(value):
            yield f"--{path}={type_name(type(value))}"
        elif isinstance(value, tuple):
            yield from [f"--{path}", *map(repr, value)] if value else [f"--{path}="]
        elif value is None:
            yield f"--{path}=none"
        else:
            yield f"--{path}={json.dumps(value) if isinstance(value, dict | bool) else value}"


@given(components(Plan))
def test_every_plan_can_be_written_as_options(plan):
    assume(plan.student.box[0] <= plan.student.box[1])
    words = [word for word in _words(plan) if not word.startswith("--student.module")]
    if isinstance(plan.student.memory, Wrapped):
        with pytest.raises(UserError, match="it needs inner"):
            parse(Plan(), words)
    else:
        assert parse(Plan(), words) == plan


def test_later_wins_switches_and_negative_numbers():
    assert _parse("--steps 5 --steps 6").steps == 6
    assert _parse("--student.clip --steps 6").student.clip is True
    assert _parse("--student.clip false").student.clip is False
    assert _parse("--student.box -3 -2").student.box == (-3.0, -2.0)
    assert parse(Student(), ["--curve", "flat", "--curve", "0.5"]).curve == Flat(0.5)
    assert parse(Plan(), ["--world.kwargs", '{"x": "a=b --c"}']).world.kwargs == {"x": "a=b --c"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--student.rtae 1", "there is no student.rtae: did you mean student.rate?"),
        ("--rate 1", "there is no rate: did you mean student.rate?"),
        ("--student.memory rankd-memory", "is no study-memory: did you mean ranked-memory?"),
        ("--student.memory rankd-memory --student.memory.alpha 1", "is no study-memory: did you mean ranked-memory?"),
        ("--student.rate 0", "student.rate = 0.0 is out of its range: it must be more than 0"),
        ("--student.rate", "--student.rate needs a value: number, more than 0"),
        ("--world --steps 3", "--world needs a value: one of world"),
        ("--bogus", "there is no bogus"),
        ("--steps 3 4", "steps = '3 4': a whole number is needed"),
        ("extra --steps 3", "'extra' belongs to no option"),
        ("-steps 3", "'-steps' belongs to no option"),
    ],
)
def test_mistakes_give_one_clear_line(line, message):
    with pytest.raises(UserError) as error:
        _parse(line)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@given(
    st.lists(
        st.sampled_from(
            ["--steps", "--student", "--world", "--student.memory=", "3", "even", "", "--", "--=", "=", "-", "."]
        )
    )
)
def test_any_words_give_a_valid_plan_or_a_user_error(words):
    with contextlib.suppress(UserError):
        validate(parse(Plan(), words))


def test_help_names_every_option_with_range_default_and_choices():
    text = help_text(Plan(Student(RankedMemory(123))))
    words = " ".join(text.split())
    for place in paths(Plan(Student(RankedMemory(123)))):
        assert f"--{place.path}" in text
    assert "How long. (whole number, at least 0; default 50000)" in words
    assert "ranked-memory: By surprise (Schaul et al. 2016)." in words
    assert "(number, at least 0 and at most 1; default 0.6)" in words
    assert "several values, each: whole number, at least 1; default 64 64" in words
    assert "default 123" in words
    assert "Another value sets id." in words
    assert max(map(len, help_text(Plan(), width=80).splitlines())) <= 80


def test_start_up_loads_nothing_that_only_pictures_need():
    heavy = ("tyro", "docstring_parser", "matplotlib", "pygame", "imageio", "envpool", "Box2D")
    code = f"import sys, argmaxq.cli.main; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
