import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from argmaxq.components.errors import UserError
from argmaxq.reporting.curve import draw_curve, evaluation_quartiles, load_run, quartiles
from argmaxq.reporting.pictures import EVALUATION, LINE, trailing_mean
from argmaxq.reporting.video import write_video
from argmaxq.runs.records import Records
from argmaxq.runs.versions import environment_report

pytestmark = pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # imageio-ffmpeg's reader leaves pipes


def make_run(folder: Path, level: float = 0.0, episodes: int = 200, evaluations: bool = True) -> Path:
    folder.mkdir(parents=True)
    records = Records(folder)
    returns = [level + 0.1 * number for number in range(1, episodes + 1)]
    records.append(
        "episodes",
        [{"step": 10 * (at + 1), "episode": at + 1, "return": value, "length": 10} for at, value in enumerate(returns)],
    )
    if evaluations:
        means = [level + mean for mean in (1.0, 30.0, 30.0, 20.0)]
        records.append(
            "evaluations",
            [
                {"step": 500 * at, "mean": mean, "std": 1.0, "min": mean - 2, "max": mean + 1}
                for at, mean in enumerate(means)
            ],
        )
    records.flush()
    recipe = {"type": "recipe/recipe", "env": {"id": "CartPole-v1"}, "steps": 2_000, "stop": {"type": "stop/never"}}
    device = {"platform": "cpu", "kind": "cpu"}
    config = {"name": "cartpole/dqn", "engine": "host", "seeds": [0], "device": device, "recipe": recipe}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def coloured(picture: Path, colour: str) -> int:
    """How many pixels of a picture have this very colour."""
    return int(np.all(np.abs(imread(picture)[..., :3] - to_rgb(colour)) < 0.01, axis=-1).sum())


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=30), st.integers(1, 10))
def test_trailing_mean_is_the_mean_of_the_last_ones(values: list[float], window: int) -> None:
    expected = [np.mean(values[max(0, end - window) : end]) for end in range(1, len(values) + 1)]
    np.testing.assert_allclose(trailing_mean(np.array(values), window), expected, atol=1e-9)


def test_a_run_is_read_from_its_records(tmp_path: Path) -> None:
    run = load_run(make_run(tmp_path / "run"))
    assert run.steps[-1] == 2000
    assert run.smooth[-1] == pytest.approx(np.mean(run.returns[-100:]))
    assert run.best == 2  # of equals the later one, as the trainer keeps it
    assert load_run(make_run(tmp_path / "other", evaluations=False)).best is None


def test_returns_that_were_not_finite_are_left_out(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", episodes=1)
    records = Records(folder)
    records.append("episodes", [{"step": 20, "episode": 2, "return": float("nan"), "length": 10}])
    records.flush()
    assert load_run(folder).returns.tolist() == [0.1]


def test_the_median_of_seeds_lies_between_its_quartiles(tmp_path: Path) -> None:
    levels = (0.0, 10.0, 20.0, 30.0, 400.0)
    runs = [load_run(make_run(tmp_path / str(level), level)) for level in levels]
    steps, (lower, median, upper) = quartiles(runs)
    assert steps[[0, -1]].tolist() == [210, 2000]
    middle = np.interp(steps, runs[2].steps, runs[2].smooth)
    np.testing.assert_allclose(median, middle)
    np.testing.assert_allclose((lower, upper), (middle - 10, middle + 10))
    steps, (lower, median, upper) = evaluation_quartiles(runs)
    assert steps.tolist() == [0, 500, 1000, 1500]
    assert (lower[1], median[1], upper[1]) == (40, 50, 60)


def test_a_seed_that_stopped_keeps_its_last_value(tmp_path: Path) -> None:
    runs = [load_run(make_run(tmp_path / str(length), episodes=length)) for length in (50, 200)]
    _, (_, median, _) = quartiles(runs)
    assert median[-1] == pytest.approx((runs[0].smooth[-1] + runs[1].smooth[-1]) / 2)


@pytest.mark.parametrize("episodes", [1, 5, 200])
@pytest.mark.parametrize("evaluations", [True, False])
def test_one_run_is_drawn(tmp_path: Path, episodes: int, evaluations: bool) -> None:
    run = make_run(tmp_path / "run", episodes=episodes, evaluations=evaluations)
    out = draw_curve(run, tmp_path / "new" / "curve.png")
    assert imread(out).shape == (720, 1280, 4)
    assert coloured(out, LINE) > (500 if episodes > 100 else 50)
    assert (coloured(out, EVALUATION) > 100) == evaluations


def test_many_seeds_are_drawn_from_their_common_folder_or_a_list(tmp_path: Path) -> None:
    runs = [make_run(tmp_path / "run" / f"seed-{seed}", 5.0 * seed, 100 + 9 * seed) for seed in range(11)]
    together, listed = draw_curve(tmp_path / "run", tmp_path / "a.png"), draw_curve(runs, tmp_path / "b.png")
    np.testing.assert_array_equal(imread(together), imread(listed))
    assert coloured(together, LINE) > 500


def test_a_run_without_episodes_has_no_curve(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no episode has finished"):
        draw_curve(tmp_path, tmp_path / "curve.png")


def test_drawing_loads_matplotlib_only_when_it_draws() -> None:
    code = (
        "import sys, argmaxq.reporting.curve; print('matplotlib' in sys.modules, 'pyplot' in str(sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def frames(count: int, height: int, width: int) -> Iterator[np.ndarray]:
    for number in range(count):
        frame = np.zeros((height, width, 3), np.uint8)
        frame[:, : width // 2] = (8 * number, 0, 255 - 8 * number)
        yield frame


@pytest.fixture(autouse=True)
def _no_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGEIO_FFMPEG_NO_PREVENT_SIGINT", "1")  # JAX warns of forks, and this reader's is needless


def decode(path: Path) -> tuple[dict[str, Any], list[np.ndarray]]:
    reader = imageio_ffmpeg.read_frames(path)
    facts = next(reader)
    width, height = facts["size"]
    return facts, [np.frombuffer(frame, np.uint8).reshape(height, width, 3) for frame in reader]


@pytest.mark.parametrize(("height", "width"), [(40, 64), (41, 63)])
def test_a_film_plays_back_frame_by_frame(tmp_path: Path, height: int, width: int) -> None:
    path = write_video(frames(30, height, width), tmp_path / "new" / "film.mp4", fps=25)
    facts, shown = decode(path)
    assert (facts["codec"], facts["fps"], facts["size"]) == ("h264", 25, (64, 40 + height % 2 * 2))
    assert facts["pix_fmt"].startswith("yuv420p")
    assert len(shown) == 30
    for written, seen in zip(frames(30, height, width), shown, strict=True):
        np.testing.assert_allclose(seen[5, 5].astype(int), written[5, 5].astype(int), atol=12)
        assert seen[5, width - 5].max() < 12
    assert [file.name for file in path.parent.iterdir()] == ["film.mp4"]


def test_a_gif_plays_back(tmp_path: Path) -> None:
    facts, shown = decode(write_video(frames(12, 41, 63), tmp_path / "film.gif", fps=20))
    assert (facts["size"], facts["fps"], len(shown)) == ((63, 41), 20, 12)


def test_an_existing_film_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"mine")
    with pytest.raises(UserError, match="exists already"):
        write_video(frames(2, 16, 16), path, fps=25)
    assert path.read_bytes() == b"mine"


def test_what_ffmpeg_says_is_passed_on_and_no_file_left(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"ffmpeg could not write the video: .*-5"):
        write_video(frames(200, 400, 400), tmp_path / "film.mp4", fps=-5)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "given_frames", "problem"),
    [
        ("film.avi", frames(2, 16, 16), r"must end in \.mp4, \.gif or \.webp"),
        ("film", frames(2, 16, 16), r"must end in \.mp4, \.gif or \.webp"),
        ("film.mp4", [], "no frames"),
        ("film.mp4", [np.zeros((16, 16), np.uint8)], r"uint8\[16, 16\]"),
        ("film.mp4", [np.zeros((16, 16, 3))], r"float64\[16, 16, 3\]"),
        ("film.mp4", [np.zeros((16, 16, 3), np.uint8), np.zeros((16, 18, 3), np.uint8)], r"is \[16, 18, 3\] but"),
    ],
)
def test_what_cannot_be_filmed_leaves_one_line_and_no_file(
    tmp_path: Path, name: str, given_frames: Any, problem: str
) -> None:
    with pytest.raises(UserError, match=problem):
        write_video(given_frames, tmp_path / name, fps=25)
    assert list(tmp_path.iterdir()) == []


def test_the_environment_is_reported_as_json() -> None:
    report = environment_report()
    assert json.loads(json.dumps(report)) == report
    assert report["versions"]["jax"] == jax.__version__
    assert report["versions"]["numpy"] == np.__version__
    assert report["versions"]["gymnasium"] == version("gymnasium")
    assert report["versions"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert report["device"]["platform"] == jax.default_backend()
    assert report["machine"]["cores"] >= 1
