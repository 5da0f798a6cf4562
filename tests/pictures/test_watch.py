"""Films and windows of agents that were really trained, and what cannot be watched."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import imageio_ffmpeg
import numpy as np
import pygame
import pytest
from gymnasium.envs.classic_control import CartPoleEnv

import argmaxq as aq
from argmaxq.components.errors import UserError
from argmaxq.domains.cartpole import CartPole
from argmaxq.visualisation.watch import watch
from samples.own_environments import Undrawn
from support.runs import CARTPOLE

pytestmark = pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # imageio-ffmpeg's reader leaves pipes

SHORT = aq.replace(CARTPOLE, {"steps": 600})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> aq.Run:
    return aq.train(SHORT, out=tmp_path_factory.mktemp("watch") / "run")


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setenv("IMAGEIO_FFMPEG_NO_PREVENT_SIGINT", "1")  # JAX warns of forks, and its reader's is needless


def decode(path: Path) -> tuple[np.ndarray, float]:
    """Frames [n, height, width, 3] and frames per second."""
    reader = imageio_ffmpeg.read_frames(str(path))
    meta = next(reader)
    width, height = meta["source_size"]
    frames = [np.frombuffer(frame, np.uint8).reshape(height, width, 3) for frame in reader]
    return np.stack(frames), meta["fps"]


def silently(text: str) -> None:
    pass


def test_a_film_holds_every_moment_of_the_episodes_that_evaluation_plays(run: aq.Run, tmp_path: Path) -> None:
    said: list[str] = []
    film = tmp_path / "films" / "cartpole.mp4"
    returns = watch(run, film, episodes=3, seed=5, say=said.append)
    assert returns == list(run.evaluate(3, seed=5).returns)
    frames, fps = decode(film)
    assert fps == gym.make("CartPole-v1").metadata["render_fps"] == 50
    assert frames.shape == (sum(returns) + 3, 400, 600, 3)  # CartPole's return is its number of steps
    assert len(said) == 4
    assert said[0] == f"episode 1: return {returns[0]:.1f} in {returns[0]:.0f} steps"
    assert f"{len(frames)} frames" in said[3]
    first, last = frames[[0, int(returns[0])]].astype(int)
    assert (first < 100).any(), "the cart is black on white"
    assert abs(first - last).max() > 100, "the pole has moved"


def test_a_film_shows_what_the_environment_draws(run: aq.Run, tmp_path: Path) -> None:
    watch(run, tmp_path / "a.mp4", seed=3, say=silently)
    frames, _ = decode(tmp_path / "a.mp4")
    env = gym.make("CartPole-v1", render_mode="rgb_array")
    env.reset(seed=int(np.random.SeedSequence([3, 2]).generate_state(1)[0] >> 1))
    drawn: Any = env.render()
    assert abs(frames[0].astype(int) - drawn).mean() < 2


def test_each_checkpoint_can_be_watched(run: aq.Run, tmp_path: Path) -> None:
    assert watch(run, tmp_path / "last.mp4", which="last", say=silently) == list(run.evaluate(1, which="last").returns)
    with pytest.raises(UserError, match=r"no checkpoint 77: there are best, last, \d+"):
        watch(run, tmp_path / "none.mp4", which=77)


def test_a_window_shows_whole_episodes(run: aq.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CartPoleEnv.metadata, "render_fps", 10_000)
    said: list[str] = []
    assert watch(run, episodes=2, say=said.append) == list(run.evaluate(2).returns)
    assert len(said) == 2


def test_closing_the_window_ends_it(run: aq.Run) -> None:
    pygame.init()
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    assert watch(run, episodes=100, say=silently) == []


@pytest.mark.parametrize("driver", [{}, {"SDL_VIDEODRIVER": "x11"}])
def test_without_a_display_there_is_a_line_and_no_invisible_window(run: aq.Run, driver: dict[str, str]) -> None:
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")
    environment = {name: value for name, value in os.environ.items() if name not in hidden} | driver
    command = [sys.executable, "-m", "argmaxq", "watch", str(run.path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert "argmaxq: no window can be opened here: write a film with --video FILE.mp4" in done.stderr
    assert "Traceback" not in done.stderr


class Drawn(Undrawn):
    """The same with pictures."""

    metadata = {"render_modes": ["rgb_array"]}  # noqa: RUF012

    def __init__(self, render_mode: str | None = None) -> None:
        self.render_mode = render_mode

    def render(self) -> Any:
        return np.full((8, 8, 3), 200, np.uint8)


class Slow(Drawn):
    """The same, whose steps take three pictures."""

    def __init__(self, render_mode: str | None = None) -> None:
        super().__init__(render_mode)
        self.passed = 1

    def reset(self, **kwargs: Any) -> Any:
        self.passed = 1
        return super().reset(**kwargs)

    def step(self, action: Any) -> Any:
        self.passed = 3
        return super().step(action)

    def render_frames(self) -> Any:
        return [self.render() // (n + 1) for n in range(self.passed)]


def fixed() -> gym.Env[Any, Any]:
    return Drawn("rgb_array")


def unwilling() -> gym.Env[Any, Any]:
    return Drawn()


def trained(make: Any, folder: Path) -> aq.Run:
    return aq.train(SHORT, env=make, steps=120, out=folder)


@pytest.mark.parametrize("make", [Drawn, fixed])
def test_a_callable_that_draws_is_filmed(make: Any, tmp_path: Path) -> None:
    assert watch(trained(make, tmp_path / "run"), tmp_path / "a.mp4", episodes=4, say=silently) == [1.0] * 4
    frames, fps = decode(tmp_path / "a.mp4")
    assert (len(frames), fps) == (8, 30)


def test_frames_within_a_step_are_filmed(tmp_path: Path) -> None:
    said: list[str] = []
    watch(trained(Slow, tmp_path / "run"), tmp_path / "a.mp4", episodes=2, say=said.append)
    frames, _ = decode(tmp_path / "a.mp4")
    assert "8 frames" in said[-1]
    np.testing.assert_allclose(frames.mean((1, 2, 3)), [200, 200, 100, 66] * 2, atol=4)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (Undrawn, "Undrawn cannot be watched: render modes are none, not rgb_array"),
        (CartPole, "CartPole makes a FuncEnv, which draws nothing here"),
        (partial(gym.make_vec, "CartPole-v1", 1), "makes a vector environment: only a single one can be watched"),
        (unwilling, "unwilling does not take render_mode='rgb_array'"),
    ],
)
def test_what_cannot_be_watched_is_said_in_a_line(make: Any, reason: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=reason):
        watch(trained(make, tmp_path / "run"), tmp_path / "a.mp4")
    assert not (tmp_path / "a.mp4").exists()


def test_a_film_is_never_overwritten_and_nothing_is_played_for_it(run: aq.Run, tmp_path: Path) -> None:
    film = tmp_path / "a.mp4"
    film.write_text("mine")
    said: list[str] = []
    with pytest.raises(UserError, match="exists already"):
        watch(run, film, say=said.append)
    assert (film.read_text(), said) == ("mine", [])


def test_no_episodes_are_refused(run: aq.Run) -> None:
    with pytest.raises(UserError, match="episodes = 0: at least one is needed"):
        watch(run, episodes=0)
