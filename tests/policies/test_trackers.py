"""Trackers are told of runs: real client libraries, read back by their own readers; and trackers that fail."""

import json
import shutil
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import argmaxq as aq
from argmaxq.runs.slim import slim
from argmaxq.trackers.named import BACKENDS
from support import tracked
from support.commands import SMALL, Command
from support.places import DOCS
from support.runs import CARTPOLE, assert_same, crashed
from support.tracked import Found

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::FutureWarning"
)
OBSERVATIONS = np.random.default_rng(0).uniform(-1.0, 1.0, (1_000, 4)).astype(np.float32)
GUIDE = DOCS / "guide" / "trackers.md"
BAD = """
import os, pathlib, signal, time

class Quiet:
    def open(self, run): self.folder = run.folder
    def log(self, values, step): pass
    def media(self, path, key, step): pass
    def artifact(self, path, name, aliases): pass
    def close(self, status): pass
    def fetch(self, name): pass

class Raises(Quiet):
    def open(self, run): raise RuntimeError("no\\nway")
    log = media = artifact = close = open

class Full(Quiet):
    def log(self, values, step):
        with open("/dev/full", "w") as file:
            file.write(str(values))

class Hangs(Quiet):
    def log(self, values, step): time.sleep(1000)

class Killed(Quiet):
    def log(self, values, step):
        with (self.folder / "seen.txt").open("a") as file:
            file.writelines(f"{name}@{step}\\n" for name in values)
    def artifact(self, path, name, aliases):
        if not (self.folder / "killed").exists():
            (self.folder / "killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        (self.folder / "artifact").touch()
"""


@pytest.fixture(scope="module")
def midway(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was killed at its half."""
    return crashed(CARTPOLE, tmp_path_factory.mktemp("tracked") / "run", 1_000, name="cartpole/dqn").path


@pytest.fixture(scope="module")
def finished(midway: Path) -> aq.Run:
    """The same run, resumed."""
    return aq.resume(shutil.copytree(midway, midway.with_name("finished")))


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Every tracker keeps what it has in an empty folder."""
    monkeypatch.chdir(tmp_path)
    for name, value in tracked.settings(tmp_path).items():
        monkeypatch.setenv(name, value)
    yield tmp_path
    tracked.end()


def expected(run: aq.Run) -> dict[tuple[str, int], float]:
    """All that a tracker is to be told of a run, by name and step, of the records themselves."""
    found: dict[tuple[str, int], float] = {}
    for group, columns in (("train", run.metrics()), ("evaluation", run.evaluations())):
        for name in columns.keys() - {"step", "seed"}:
            values = zip(columns["step"].tolist(), columns[name].tolist(), strict=True)
            found |= {(f"{group}/{name}", step): value for step, value in values if np.isfinite(value)}
    episodes, begin = run.episodes(), 0
    for step in run.metrics()["step"].tolist():
        ended = (episodes["step"] > begin) & (episodes["step"] <= step)
        begin = step
        if ended.any():
            found["episode/return", step] = float(episodes["return"][ended].mean())
            found["episode/length", step] = float(episodes["length"][ended].mean())
    return found


@pytest.mark.parametrize("name", list(BACKENDS))
def test_a_tracker_has_all_of_a_run_once_and_its_policy_back(
    name: str, midway: Path, finished: aq.Run, services: Path
) -> None:
    run = shutil.copytree(midway, services / "run")
    aq.track(run, aq.Tracking(name, films=1_000, offline=True))
    shutil.copytree(finished.path, run, dirs_exist_ok=True)  # as it is resumed
    for _ in range(2):
        aq.track(run, aq.Tracking(name, films=1_000, offline=True))
    assert_same(aq.Run(run), finished)
    found: Found = tracked.READERS[name](run)
    wanted = expected(finished)
    told = {key: value for key, value in found.values.items() if not key[0].startswith("time/")}
    assert told.keys() == wanted.keys()
    np.testing.assert_allclose([told[key] for key in wanted], list(wanted.values()), rtol=1e-6)
    assert set(found.counts.values()) == {1}, Counter(found.counts).most_common(3)
    assert float(found.config["agent.replay.capacity"]) == 600
    assert {film[:4] for film in found.films} <= {b"GIF8", b"\0\0\0\x20"}
    assert len(found.films) == 3  # at 1,000 and 2,000 env steps, and of the best
    actions = aq.load(found.artifact)(OBSERVATIONS)
    np.testing.assert_array_equal(actions, aq.load(finished.path)(OBSERVATIONS))


def test_trackers_that_fail_are_a_warning_each_and_change_nothing(
    finished: aq.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bad.py").write_text(BAD)
    monkeypatch.syspath_prepend(str(tmp_path))
    trackers = ["bad:Raises", "bad:Full", "bad:Killed", aq.Tracking("bad:Hangs", patience=2.0)]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run = aq.train(CARTPOLE, out=tmp_path / "run", name="cartpole/dqn", track=trackers)
    assert_same(run, finished)
    told = sorted(text for each in caught if "argmaxq track" in (text := str(each.message)))
    assert [text.split()[0] for text in told] == ["bad:Full", "bad:Hangs", "bad:Killed", "bad:Raises"]
    assert "No space left" in told[0]
    assert "has not taken all within 2 s" in told[1]
    assert "ended with -9" in told[2]
    assert "RuntimeError: no;" in told[3]
    aq.track(run, "bad:Killed")
    kept = run.path / "tracking" / "bad.Killed"
    seen = Counter((kept / "seen.txt").read_text().split())
    assert set(seen.values()) == {1}
    assert {f"{name}@{step}" for name, step in expected(run)} <= set(seen)
    assert (kept / "artifact").exists()


def test_a_tracker_of_ones_own_as_the_guide_has_it(argmaxq: Command, tmp_path: Path) -> None:
    text = GUIDE.read_text()
    begin = text.index("# mine.py")
    (tmp_path / "mine.py").write_text(text[begin : text.index("```", begin)])
    code, told, problem = argmaxq("train", *SMALL, "--seeds", "2", "--out", "run", "--track", "mine:Lines")
    assert (code, problem) == (0, "")
    assert "mine:Lines: see run/tracking/mine.Lines/seed-0/lines.jsonl" in told
    own = [tmp_path / "run" / "tracking" / "mine.Lines" / f"seed-{seed}" for seed in (0, 1)]
    for seed, folder in enumerate(own):
        lines = [json.loads(line) for line in (folder / "lines.jsonl").read_text().splitlines()]
        assert lines[0]["config"]["seed"] == seed
        assert lines[0]["group"] == f"cartpole-dqn-{aq.Run('run').config['id'][:8]}"
        assert lines[-1] == {"status": "finished"}
        logged = {(name, line["step"]) for line in lines if "step" in line for name in line if name != "step"}
        assert expected(aq.Run(f"run/seed-{seed}")).keys() <= logged
    assert len(list(own[0].glob("film-best-*.mp4"))) == len(list(own[0].glob("report-*.html"))) == 1
    np.testing.assert_array_equal(aq.load(own[1] / "best")(OBSERVATIONS), aq.load("run/seed-1")(OBSERVATIONS))


def test_mistakes_about_trackers_are_one_line(
    argmaxq: Command, trained: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = shutil.copytree(trained, tmp_path / "run")
    assert "did you mean tensorboard?" in argmaxq("track", "run", "--to", "tensorbord")[2]
    assert "there is no module nowhere" in argmaxq("train", "cartpole/dqn", "--track", "nowhere:Tracker")[2]
    assert "builtins:open is no tracker's class" in argmaxq("track", "run", "--to", "builtins:open")[2]
    assert not (tmp_path / "runs").exists()
    (run / "evil.py").write_text(BAD)
    monkeypatch.chdir(run)
    assert "there is no module evil" in argmaxq("track", ".", "--to", "evil:Quiet")[2]
    monkeypatch.chdir(tmp_path)
    (run / "tracking").write_text("in the way")
    code, _, problem = argmaxq("track", "run", "--to", "tensorboard")
    assert code == 2
    assert problem.count("\n") == 1
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "pip install 'argmaxq[trackio]'" in argmaxq("track", "run", "--to", "trackio")[2]


def test_a_repository_of_the_hub_is_loaded_as_data(
    trained: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot: Callable[..., str] = lambda name, **given: str(slim(Path(trained), tmp_path / name.replace("/", "-")))  # noqa: E731
    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot)
    np.testing.assert_array_equal(aq.load("hf:owner/name")(OBSERVATIONS), aq.load(trained)(OBSERVATIONS))
    monkeypatch.undo()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(aq.UserError, match="hf:owner/none cannot be had"):
        aq.load("hf:owner/none")
