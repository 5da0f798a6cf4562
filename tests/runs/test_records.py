import json
import tempfile
import time
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argmaxq.components.errors import UserError
from argmaxq.runs.records import KINDS, Records, read

values = (
    st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.booleans() | st.none() | st.text(max_size=5)
)
rows = st.lists(st.dictionaries(st.sampled_from(["step", "return", "é"]), values, max_size=3), max_size=4)
appends = st.lists(st.tuples(st.sampled_from(KINDS), rows), max_size=6)


def episode(number: int) -> dict[str, float]:
    return {"step": 20 * number, "episode": number, "return": 0.37 * number, "length": 20}


@settings(deadline=None)
@given(appends, appends, appends)
def test_cut_back_and_done_again_is_the_uninterrupted_file(before: list, lost: list, after: list) -> None:
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        cut, straight = Records(Path(one)), Records(Path(other))
        for kind, some in before:
            cut.append(kind, some)
        sizes = json.loads(json.dumps(cut.sizes()))
        for number, (kind, some) in enumerate(lost):
            cut.append(kind, some)
            if number % 2:
                cut.flush()
        resumed = cut if len(lost) % 2 else Records(Path(one))
        resumed.cut_back(sizes)
        for kind, some in after:
            resumed.append(kind, some)
        for kind, some in [*before, *after]:
            straight.append(kind, some)
        assert resumed.sizes() == straight.sizes()
        for kind in KINDS:
            assert read(Path(one), kind) == read(Path(other), kind)
            assert read(Path(one), kind) == [row for k, some in [*before, *after] if k == kind for row in some]
            files = [Path(folder) / f"{kind}.jsonl" for folder in (one, other)]
            contents = [file.read_bytes() if file.exists() else b"" for file in files]
            assert contents[0] == contents[1]


def test_files_without_a_size_are_emptied(tmp_path: Path) -> None:
    records = Records(tmp_path)
    for kind in KINDS:
        records.append(kind, [{"step": 1}])
    sizes = records.sizes()
    records.cut_back({"episodes": sizes["episodes"]})
    assert records.sizes() == dict.fromkeys(KINDS, 0) | {"episodes": sizes["episodes"]}


def test_a_file_shorter_than_its_checkpoint_is_an_error_and_nothing_is_cut(tmp_path: Path) -> None:
    records = Records(tmp_path)
    records.append("metrics", [{"step": 1}])
    records.append("times", [{"step": 1}])
    sizes = records.sizes()
    with pytest.raises(UserError, match=r"times\.jsonl: 12 bytes long but 13 at the checkpoint"):
        records.cut_back({"times": sizes["times"] + 1})
    assert records.sizes() == sizes


def test_nothing_is_written_before_flush(tmp_path: Path) -> None:
    records = Records(tmp_path)
    records.append("episodes", [episode(1)])
    assert read(tmp_path, "episodes") == []
    records.flush()
    records.flush()
    assert read(tmp_path, "episodes") == [episode(1)]


def test_numbers_of_numpy_and_jax_are_recorded_exactly(tmp_path: Path) -> None:
    row = {"a": np.float32(0.1), "b": jnp.float32(0.1), "c": np.int64(2**40), "d": np.bool_(True), "e": np.arange(2)}
    records = Records(tmp_path)
    records.append("metrics", [row | {"f": np.float64(0.1)}])
    records.flush()
    exact = float(np.float32(0.1))
    assert read(tmp_path, "metrics") == [{"a": exact, "b": exact, "c": 2**40, "d": True, "e": [0, 1], "f": 0.1}]


def test_what_json_lacks_becomes_null(tmp_path: Path) -> None:
    bad = [float("nan"), float("inf"), np.float32("nan"), jnp.float32("-inf"), np.array([1.0, np.nan])]
    records = Records(tmp_path)
    records.append("metrics", [{"loss": value, "nested": [value, {"x": value}], "step": 1} for value in bad])
    records.flush()
    text = (tmp_path / "metrics.jsonl").read_text()
    assert not {"NaN", "Infinity"} & set(text.replace(",", " ").split())
    found = [json.loads(line, parse_constant=pytest.fail) for line in text.splitlines()]
    assert [row["loss"] for row in found] == [None, None, None, None, [1.0, None]]
    assert found[0] == {"loss": None, "nested": [None, {"x": None}], "step": 1}


def test_what_is_not_a_number_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="Path cannot be recorded"):
        Records(tmp_path).append("metrics", [{"folder": tmp_path}])


def test_a_torn_last_line_is_passed_over_wherever_it_is_torn(tmp_path: Path) -> None:
    records = Records(tmp_path)
    records.append("episodes", [episode(number) for number in range(3)])
    records.flush()
    file = tmp_path / "episodes.jsonl"
    content = file.read_bytes()
    for size in range(len(content) + 1):
        file.write_bytes(content[:size])
        whole = [line for line in content[:size].split(b"\n") if line.endswith(b"}")]
        assert read(tmp_path, "episodes") == [json.loads(line) for line in whole]


def test_any_other_bad_line_is_named(tmp_path: Path) -> None:
    (tmp_path / "episodes.jsonl").write_text('{"step": 1}\n{"st\n{"step": 3}\n')
    with pytest.raises(UserError, match=r"episodes\.jsonl, line 2: not JSON"):
        read(tmp_path, "episodes")


def test_ten_thousand_episodes_cost_little(tmp_path: Path) -> None:
    records, many = Records(tmp_path), [episode(number) for number in range(10_000)]
    start = time.process_time()
    records.append("episodes", many)
    records.flush()
    assert time.process_time() - start < 0.5  # about 0.025 s on two cores
    assert len(read(tmp_path, "episodes")) == 10_000
