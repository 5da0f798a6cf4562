"""Large arrays of checkpoints, kept in blocks."""

import os
import shutil
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import argmaxq as aq
from argmaxq import devices
from argmaxq.runs import blocks
from argmaxq.runs.checkpoint import DamagedCheckpoint, latest, load, prune, save, verify
from argmaxq.training import whole
from argmaxq.training.engines.choose import make_engine
from argmaxq.trees import named
from support.runs import CARTPOLE, assert_same, crashed


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some thousand bytes are many."""
    monkeypatch.setattr(blocks, "LARGE", 4_000)
    monkeypatch.setattr(blocks, "BLOCK", 1_000)
    monkeypatch.setattr(devices, "LARGE", 4_000)


def arrays_of(written: int) -> dict[str, np.ndarray]:
    """A replay of 10,000 rows, of which so many were written, one after another and round, and a small array."""
    rows = np.zeros((10_000, 2), np.uint8)
    for row in range(max(0, written - 10_000), written):
        rows[row % 10_000] = row % 251, row // 251 % 251
    return {"rows": rows, "small": np.arange(written % 7)}


def held(folder: Path) -> int:
    return len(list((folder / "blocks").iterdir()))


def assert_equal(found: dict[str, np.ndarray], arrays: dict[str, np.ndarray]) -> None:
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(found[name], array)


def test_only_what_is_new_is_written_and_only_what_is_needed_is_kept(tmp_path: Path) -> None:
    """A block holds 500 rows, and one of zeros stands for all that are not written yet."""
    # After 3,250 rows the seventh is half full; it and the zeros stay while a checkpoint needs them.
    kept_by = {0: 1, 1_500: 1 + 3, 3_000: 1 + 6, 3_250: 1 + 7, 9_900: 2 + 20}
    for number, (written, kept) in enumerate(kept_by.items()):
        save(tmp_path, f"step-{number:09d}", arrays_of(written), {"number": number})
        assert held(tmp_path) == kept
        assert_equal(load(tmp_path / f"step-{number:09d}")[0], arrays_of(written))
    save(tmp_path, "step-000000005", arrays_of(10_600), {})  # round
    prune(tmp_path)
    for name, written in (("step-000000004", 9_900), ("step-000000005", 10_600)):
        assert verify(tmp_path / name) == ({"number": 4} if written == 9_900 else {})
        assert_equal(load(tmp_path / name)[0], arrays_of(written))
    assert held(tmp_path) == 20 + 2 + 1  # rows 0 to 599, in blocks 0 and 1, and 9,900 to 9,999, in block 19


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int16", "uint32", "int64", "float16", "float64", "bfloat16"])
def test_what_is_written_can_be_read(dtype: str, tmp_path: Path) -> None:
    """In blocks, or not where a dtype is of another kind."""
    arrays = {"rows": (np.arange(20_000).reshape(100, 200) % 5).astype(jnp.dtype(dtype))}
    save(tmp_path, "step-000000001", arrays, {})
    assert (tmp_path / "blocks").exists() == (dtype != "bfloat16")
    assert_equal(load(tmp_path / "step-000000001")[0], arrays)
    verify(tmp_path / "step-000000001")


@pytest.mark.parametrize("harm", ["changed", "shorter", "gone"])
def test_a_damaged_block_is_noticed(harm: str, tmp_path: Path) -> None:
    save(tmp_path, "step-000000001", arrays_of(2_000), {})
    before = set((tmp_path / "blocks").iterdir())
    save(tmp_path, "step-000000002", arrays_of(4_000), {})
    (newer, *_) = set((tmp_path / "blocks").iterdir()) - before
    if harm == "gone":
        newer.unlink()
    else:
        newer.write_bytes(b"x" * (1_000 if harm == "changed" else 999))
    for look in (load, verify):
        with pytest.raises(DamagedCheckpoint, match=newer.name if harm != "shorter" else "blocks"):
            look(tmp_path / "step-000000002")
    said: list[str] = []
    assert latest(tmp_path, said.append) == tmp_path / "step-000000001"
    assert len(said) == 1


def test_a_name_in_a_header_is_no_path(tmp_path: Path) -> None:
    save(tmp_path, "step-000000001", arrays_of(0), {})
    header = tmp_path / "step-000000001" / "checkpoint.json"
    (name,) = os.listdir(tmp_path / "blocks")
    header.write_text(header.read_text().replace(name, "../step-000000001/checkpoint.json"))
    with pytest.raises(DamagedCheckpoint, match="64 hexadecimal digits is needed"):
        load(tmp_path / "step-000000001")


@pytest.mark.parametrize("engine", ["compiled", "host"])
def test_a_run_resumes_from_blocks(engine: str, tmp_path: Path) -> None:
    recipe: Any = aq.replace(CARTPOLE, {"env.lanes": 2})
    reference = aq.train(recipe, out=tmp_path / "reference", engine=engine)
    crashed(recipe, tmp_path / "run", 600, engine=engine)
    assert held(tmp_path / "run" / "checkpoints") > 1
    moved = shutil.copytree(tmp_path / "run", tmp_path / "moved")
    assert_same(aq.resume(moved), reference)


@pytest.mark.parametrize("kind", ["compiled", "host"])
def test_a_replay_is_read_into_the_memory_that_it_is_to_have(kind: str, tmp_path: Path) -> None:
    """It may not fit twice into what there is: nothing large of a checkpoint is copied."""
    saved = make_engine(kind, CARTPOLE, (0,))
    state, _ = saved.run(saved.start(), 0, saved.length, CARTPOLE.steps)
    own, meta = saved.save(state)
    arrays = {f"engine/{name}": array for name, array in own.items()}
    save(tmp_path, "step-000000001", arrays, {})
    other = make_engine(kind, CARTPOLE, (0,))
    begun = other.begin()
    rooms = whole.rooms(begun)
    assert any("replay" in name for name in rooms)
    loaded, _ = load(tmp_path / "step-000000001", rooms)
    restored, _ = other.restore(whole.of_engine(loaded), meta, begun)
    found = {f"engine/{name}": leaf for name, leaf in named(restored).items()}
    assert {name: found[name].unsafe_buffer_pointer() for name in rooms} == {
        name: room.ctypes.data for name, room in rooms.items()
    }
    assert_equal({name: np.asarray(found[name]) for name in rooms}, {name: arrays[name] for name in rooms})


def test_zeros_take_no_memory_until_they_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel counts the pages; what is written, and what else there is, stays."""
    zeros, ones = jnp.zeros((64, 2**20), jnp.uint8), jnp.ones((64, 2**20), jnp.uint8)
    jax.block_until_ready((zeros, ones))
    before = resident()
    devices.lazily({"zeros": zeros, "ones": ones})
    assert resident() <= before - 60e6
    assert not zeros.any()
    assert ones.all()
    written = jax.jit(lambda array: array.at[3].set(7), donate_argnums=0)(zeros)
    assert written[3].min() == 7
    assert int(written.astype(jnp.int32).sum()) == 7 * 2**20


def resident() -> int:
    """Bytes of this process's memory."""
    status = Path("/proc/self/statm")
    if not status.exists():
        pytest.skip("Linux alone counts pages there")
    return int(status.read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
