import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from argmaxq.components.errors import UserError
from argmaxq.runs.checkpoint import DamagedCheckpoint, checkpoints, latest, load, prune, save, verify
from argmaxq.trees import flatten, unflatten


class State(NamedTuple):
    params: Any
    key: Any
    full: Any


def state() -> State:
    params = {"dense": {"kernel": jnp.arange(6.0).reshape(2, 3), "bias": jnp.zeros(3, jnp.bfloat16)}}
    return State(params, jax.random.split(jax.random.key(7), 2), np.array([True, False]))


def arrays_of(step: int) -> dict[str, np.ndarray]:
    return {f"layer{number}/kernel": np.full((50, 40), step + number) for number in range(4)}


def same(one: Any, other: Any) -> None:
    """Equal to the bit, and of the same kinds."""
    assert jax.tree.structure(one) == jax.tree.structure(other)
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        assert isinstance(a, jax.Array) == isinstance(b, jax.Array)
        assert isinstance(a, np.ndarray) == isinstance(b, np.ndarray)
        if not hasattr(a, "dtype"):
            assert type(a) is type(b)
        elif jax.dtypes.issubdtype(a.dtype, jax.dtypes.prng_key):
            assert jax.random.key_impl(a) == jax.random.key_impl(b)
            a, b = jax.random.key_data(a), jax.random.key_data(b)
        left, right = np.asarray(a), np.asarray(b)
        assert (left.dtype, left.shape, left.tobytes()) == (right.dtype, right.shape, right.tobytes())


DTYPES = ("bool", "uint8", "int8", "int32", "uint32", "float16", "float32")
small = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
numpy_arrays = st.sampled_from((*DTYPES, "int64", "uint64", "float64")).flatmap(lambda dtype: hnp.arrays(dtype, small))
jax_arrays = st.sampled_from(DTYPES).flatmap(lambda dtype: hnp.arrays(dtype, small)).map(jnp.asarray)
keys = st.builds(
    lambda seed, impl: jax.random.key(seed, impl=impl), st.integers(0, 2**31), st.sampled_from(["threefry2x32", "rbg"])
)
numbers = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats()
names = st.text("abc_", min_size=1, max_size=3)
trees = st.recursive(
    numpy_arrays | jax_arrays | keys | numbers,
    lambda inner: st.dictionaries(names, inner, max_size=3) | st.lists(inner, max_size=3).map(tuple),
    max_leaves=8,
)


@settings(deadline=None, max_examples=60)
@given(trees)
def test_a_tree_comes_back_from_the_disk_to_the_bit(tree: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        arrays, meta = load(save(Path(folder), "last", flatten(tree), {"step": 3}))
    same(tree, unflatten(tree, arrays))
    assert meta == {"step": 3}


def test_names_are_paths() -> None:
    assert list(flatten(state())) == ["params/dense/bias", "params/dense/kernel", "key", "full"]
    assert list(flatten({"rows": [1, 2.0]})) == ["rows/0", "rows/1"]


def test_a_described_tree_is_enough_to_restore() -> None:
    like = jax.eval_shape(lambda: state()._replace(full=jnp.array([True])))
    whole = state()._replace(full=jnp.array([True]))
    same(whole, unflatten(like, flatten(whole)))


def test_transposed_and_big_endian_arrays_keep_their_values(tmp_path: Path) -> None:
    arrays = {"transposed": np.arange(6.0).reshape(2, 3).T, "big": np.arange(3, dtype=">i4")}
    loaded, _ = load(save(tmp_path, "last", arrays, {}))
    for name, array in arrays.items():
        np.testing.assert_array_equal(loaded[name], array)


def test_restored_arrays_survive_donation() -> None:
    arrays = flatten({"x": np.zeros(4096, np.float32)})
    restored = unflatten({"x": jnp.zeros(4096)}, arrays)
    jax.block_until_ready(jax.jit(lambda x: x + 1, donate_argnums=0)(restored["x"]))
    assert not arrays["x"].any()


def test_what_does_not_fit_is_listed_in_one_line() -> None:
    arrays = flatten(state())
    arrays["params/extra"] = arrays.pop("full")
    arrays["params/dense/kernel"] = arrays["params/dense/kernel"].T
    with pytest.raises(UserError) as problem:
        unflatten(state(), arrays)
    text = str(problem.value)
    assert "missing: full bool[2]" in text
    assert "unexpected: params/extra bool[2]" in text
    assert "params/dense/kernel is float32[3, 2], not float32[2, 3]" in text
    assert "\n" not in text


def test_a_wrong_dtype_does_not_fit() -> None:
    with pytest.raises(UserError, match=r"x is float64\[\], not float32\[\]"):
        unflatten({"x": jnp.float32(1)}, {"x": np.array(1.0)})


@pytest.mark.parametrize("tree", [{"a": {"b": 1}, "a/b": 2}, {"a": "text"}, {"a": 2**70}])
def test_what_cannot_be_saved_is_refused(tree: Any) -> None:
    with pytest.raises(UserError, match="a"):
        flatten(tree)


def test_meta_is_json_data(tmp_path: Path) -> None:
    meta = {"big": 2**127 + 1, "float": 0.1, "none": None, "lanes": (1, 2), 3: "x"}
    _, found = load(save(tmp_path, "last", {}, meta))
    assert found == {"big": 2**127 + 1, "float": 0.1, "none": None, "lanes": [1, 2], "3": "x"}
    with pytest.raises(ValueError, match="JSON"):
        save(tmp_path, "last", {}, {"mean": float("nan")})
    assert verify(tmp_path / "last") == found


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(["arrays.safetensors", "checkpoint.json"]), st.floats(0, 1, exclude_max=True), st.integers(0, 7))
def test_every_flipped_bit_is_noticed(file: str, where: float, bit: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = save(Path(folder), "last", {"x": np.arange(5)}, {"step": 3, "name": "cartpole/dqn"}) / file
        content = bytearray(path.read_bytes())
        content[int(where * len(content))] ^= 1 << bit
        path.write_bytes(content)
        with pytest.raises(DamagedCheckpoint) as problem:
            load(path.parent)
    assert "\n" not in str(problem.value)


@pytest.mark.parametrize("file", ["arrays.safetensors", "checkpoint.json"])
def test_missing_and_truncated_files_are_noticed(tmp_path: Path, file: str) -> None:
    path = save(tmp_path, "last", arrays_of(1), {}) / file
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(DamagedCheckpoint, match=file):
        load(path.parent)
    path.unlink()
    with pytest.raises(DamagedCheckpoint, match=f"{file}: the file is missing"):
        load(path.parent)
    with pytest.raises(DamagedCheckpoint, match="no such checkpoint"):
        load(tmp_path / "other")


def test_another_format_is_refused(tmp_path: Path) -> None:
    header = save(tmp_path, "last", {}, {}) / "checkpoint.json"
    header.write_text(json.dumps(json.loads(header.read_text()) | {"format": 99}))
    with pytest.raises(DamagedCheckpoint, match="its format is 99"):
        load(tmp_path / "last")
    header.write_text("[1, 2]")
    with pytest.raises(DamagedCheckpoint, match="its format is None"):
        load(tmp_path / "last")


def test_latest_passes_over_damaged_ones(tmp_path: Path) -> None:
    for step in (5, 900, 1000000000, 70):
        save(tmp_path, f"step-{step:09d}", arrays_of(step), {"step": step})
    save(tmp_path, "best", arrays_of(2), {})
    assert [path.name for path in checkpoints(tmp_path)] == [
        "step-000000005", "step-000000070", "step-000000900", "step-1000000000",
    ]  # fmt: skip
    (tmp_path / "step-1000000000" / "arrays.safetensors").write_bytes(b"nothing")
    (tmp_path / "step-000000900" / "checkpoint.json").unlink()
    said: list[str] = []
    assert latest(tmp_path, said.append) == tmp_path / "step-000000070"
    assert [line.count("\n") for line in said] == [0, 0]
    assert "step-1000000000" in said[0]
    assert "step-000000900" in said[1]
    assert latest(tmp_path / "nowhere", said.append) is None


def test_prune_keeps_the_newest_and_all_that_is_not_a_step(tmp_path: Path) -> None:
    for name in ("step-000000001", "step-000000002", "step-000000003", "best", "last"):
        save(tmp_path, name, arrays_of(1), {})
    (tmp_path / "step-000000004.partial").mkdir()
    (tmp_path / "notes.old").write_text("mine")
    prune(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "best", "last", "notes.old", "step-000000002", "step-000000003",
    ]  # fmt: skip


def test_a_kill_between_the_renames_leaves_the_old_one(tmp_path: Path) -> None:
    for name in ("best", "step-000000001"):
        save(tmp_path, name, arrays_of(1), {"mean": 1})
        (tmp_path / name).rename(tmp_path / f"{name}.old")
        (tmp_path / f"{name}.partial").mkdir()
    assert verify(tmp_path / "best") == {"mean": 1}
    assert latest(tmp_path, pytest.fail) == tmp_path / "step-000000001"
    prune(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best", "step-000000001"]
    save(tmp_path, "best", arrays_of(2), {"mean": 2})
    assert verify(tmp_path / "best") == {"mean": 2}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best", "step-000000001"]


# Forks a process that saves without end for each line it reads, so that many can be killed without many start-ups.
SAVER = """
import os, sys
from itertools import count
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from argmaxq.runs.checkpoint import prune, save
from test_checkpoint import arrays_of

folder = Path(sys.argv[1])
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        for step in count(int(line)):
            save(folder, f"step-{step:09d}", arrays_of(step), {"step": step})
            save(folder, "best", arrays_of(step), {"step": step})
            prune(folder)
    print(child, flush=True)
    print(os.waitpid(child, 0)[1], flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_kill_at_any_moment_leaves_whole_checkpoints(tmp_path: Path) -> None:
    def whole(path: Path) -> int:
        arrays, meta = load(path)
        for name, expected in arrays_of(meta["step"]).items():
            np.testing.assert_array_equal(arrays[name], expected)
        return int(meta["step"])

    moments, step = random.Random(0), 1
    command = [sys.executable, "-W", "ignore", "-c", SAVER, str(tmp_path), str(Path(__file__).parent)]
    for name in ("step-000000000", "best"):
        save(tmp_path, name, arrays_of(0), {"step": 0})
    saver = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert saver.stdin is not None
    assert saver.stdout is not None
    try:
        for _ in range(40):
            print(step, file=saver.stdin, flush=True)
            child = int(saver.stdout.readline())
            end = time.monotonic() + moments.uniform(0.0, 0.2)
            while time.monotonic() < end:
                whole(tmp_path / "best")  # a reader never sees a half-replaced one
            os.kill(child, signal.SIGKILL)
            assert int(saver.stdout.readline()) == signal.SIGKILL
            newest = latest(tmp_path, pytest.fail)
            assert newest is not None
            assert whole(newest) - whole(tmp_path / "best") in (0, 1)
            step = whole(tmp_path / "best") + 1  # so that a step checkpoint is replaced too
    finally:
        os.killpg(saver.pid, signal.SIGKILL)
        saver.communicate()
    assert step > 1
    prune(tmp_path)
    assert len(list(tmp_path.iterdir())) == 3
