"""ALE's games: scores over deaths, lost lives and time limits; what learning is told of lives; going on exactly."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import argmaxq as aq
from argmaxq.agents.dqn import DQN
from argmaxq.agents.pqn import PQN
from argmaxq.components.errors import UserError
from argmaxq.environments.atari import game, pooled
from argmaxq.environments.env import Env
from argmaxq.environments.source import host
from argmaxq.lanes.atari.pool import PooledGames
from argmaxq.lanes.atari.preprocessing import Atari
from argmaxq.lanes.atari.screen import Shrink
from argmaxq.lanes.lanes import Lanes, Learnt, Step
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.schedules import Constant
from argmaxq.networks.mlp import MLP
from argmaxq.replay.uniform import Uniform
from argmaxq.runs import checkpoint
from argmaxq.runs.records import read
from argmaxq.training.ceilings import Ceiling
from support.runs import assert_same, crashed

pytest.importorskip("ale_py")
RULES: list[Any] = ["none", "ends", "reward"]
SMALL = Atari(size=21, noops=8)
LIMIT = 160
"""Env steps: some random games of Breakout end before, some do not."""
BREAKOUT = Env("ALE/Breakout-v5", lanes=3, time_limit=LIMIT, atari=SMALL)


def points(ram: np.ndarray) -> int:
    """The score that Breakout keeps in its memory, as decimal digits."""
    digits = (ram[76] & 15, ram[77] >> 4, ram[77] & 15)
    return int(100 * digits[0] + 10 * digits[1] + digits[2])


class Watched(PooledGames):
    """EnvPool's games, whose memory is kept."""

    def _seen(self, info: dict[str, Any], step: Step) -> Step:
        self.memory = [ram.copy() for ram in info["ram"]]
        return super()._seen(info, step)


def lanes_of(backend: str, rule: Any) -> tuple[Lanes, Any]:
    """Lanes of Breakout, and what tells the memory of each."""
    options = aq.replace(SMALL, "life_loss", rule)
    env = aq.replace(BREAKOUT, {"atari": options})
    if backend == "envpool":
        pytest.importorskip("envpool")
        watched = Watched("Breakout-v5", env.lanes, {"max_episode_steps": LIMIT}, options)
        return watched, lambda: watched.memory
    lanes: Any = host(env)
    made = lanes._copies.made
    return lanes, lambda: [made[lane].env.unwrapped.ale.getRAM() for lane in range(env.lanes)]


def check_scores(backend: str, rule: Any, games: int) -> None:
    """Play at random; each game's return must be the score that the game itself keeps."""
    lanes, memory = lanes_of(backend, rule)
    lanes.reset(1)
    generator, returns, learnt = np.random.default_rng(0), np.zeros(3), np.zeros(3)
    ends, lost, reasons, last = 0, 0, set[bool](), np.zeros(3, bool)
    while ends < games or len(reasons) < 2:
        step = lanes.step(generator.integers(4, size=3).astype(np.int32))
        told = step.learnt or Learnt(step.reward, step.terminated)  # no game goes on where all begin
        returns += step.reward
        learnt += told.reward
        lost += int(told.terminated.sum())
        assert (told.terminated | ~step.terminated).all()
        assert not told.terminated[last].any()
        for lane in np.flatnonzero(step.terminated | step.truncated):
            score = points(memory()[lane])
            assert returns[lane] == score
            if step.terminated[lane]:
                assert learnt[lane] == score - 5 * (rule == "reward")
            reasons.add(bool(step.terminated[lane]))
            returns[lane] = learnt[lane] = 0.0
            ends += 1
        last = step.last
    assert (lost > ends) == (rule == "ends")  # 5 lives a game
    lanes.close()


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("backend", ["gymnasium", "envpool"])
class TestScores:
    def test_returns_are_the_games_own_scores(self, backend: str, rule: Any) -> None:
        check_scores(backend, rule, 6)

    @pytest.mark.slow
    def test_in_200_games(self, backend: str, rule: Any) -> None:
        check_scores(backend, rule, 200)


def test_processes_give_the_same_bits() -> None:
    generator = np.random.default_rng(0)
    here, there = (
        host(aq.replace(BREAKOUT, {"backend": backend, "atari.sticky": 0.3})) for backend in ("gymnasium", "ale")
    )
    np.testing.assert_array_equal(here.reset(3), there.reset(3))
    for _ in range(100):
        actions = generator.integers(4, size=3).astype(np.int32)
        one, other = here.step(actions), there.step(actions)
        for ours, theirs in zip((*one[:5], *one.learnt), (*other[:5], *other.learnt), strict=True):  # type: ignore[misc]
            np.testing.assert_array_equal(ours, theirs)
    there.close()


@pytest.mark.parametrize("name", ["Seaquest", "Freeway", "Tennis"])
def test_a_seed_begins_the_same_game_whatever_was_played_before(name: str) -> None:
    """In ALE itself a reset depends on what was played."""
    made = game(Env(f"ALE/{name}-v5"), Atari(sticky=0.25))

    def play(seed: int) -> list[bytes]:
        generator = np.random.default_rng(seed)
        seen = [made.reset(seed=seed)[0]]
        seen += [made.step(generator.integers(made.action_space.n))[0] for _ in range(150)]
        return [each.tobytes() for each in seen]

    first = play(1)
    assert play(2) != first
    assert play(1) == first


def test_frames_follow_one_another() -> None:
    """An observation is the one before it moved on by a frame, and an episode begins with copies of its first one."""
    for lanes in (host(BREAKOUT), pooled(BREAKOUT, SMALL)):
        before, last = lanes.reset(0), np.zeros(3, bool)
        assert (before == before[:, :1]).all()
        assert lanes.spaces.observation.frames == 4
        for _ in range(LIMIT + 5):
            step = lanes.step(np.ones(3, np.int32))
            obs, begun, last = step.obs.copy(), last, step.last
            assert (obs == obs[:, :1])[begun].all()
            np.testing.assert_array_equal(obs[~begun][:, :-1], before[~begun][:, 1:])
            before = obs
        lanes.close()


def test_a_picture_is_made_of_means() -> None:
    picture = np.arange(210 * 160).reshape(210, 160) % 251
    shrunk = Shrink((210, 160), 84, 84)(picture.astype(np.uint8))
    fine = np.kron(picture, np.ones((2, 21)))  # each of the 84 x 84 covers 5 x 40 of these
    np.testing.assert_allclose(shrunk, fine.reshape(84, 5, 84, 40).mean(axis=(1, 3)), atol=0.501)


def recipe(**values: Any) -> aq.Recipe:
    """Random play from which a small network learns a little."""
    agent = DQN(
        network=MLP((8,)),
        exploration=EpsilonGreedy(Constant(1.0)),
        replay=Uniform(600),
        batch_size=8,
        rollout=4,
        learning_starts=100,
    )
    base = aq.Recipe(agent, BREAKOUT, 1_200, aq.Evaluation(0), checkpoint_every=300)
    return aq.replace(base, values)


def test_episodes_are_whole_games_whatever_learning_is_told(tmp_path: Path) -> None:
    """The same random play: the records are the same, and only what is replayed differs."""
    runs = {rule: aq.train(recipe(**{"env.atari.life_loss": rule}), out=tmp_path / rule) for rule in RULES}
    episodes = {rule: read(run.path, "episodes") for rule, run in runs.items()}
    assert episodes["none"] == episodes["ends"] == episodes["reward"] != []
    kept = {rule: _replayed(run) for rule, run in runs.items()}
    assert kept["ends"][0] > kept["none"][0] == kept["reward"][0]
    assert kept["reward"][1] < kept["none"][1] == kept["ends"][1]


def _replayed(run: aq.Run) -> tuple[int, float]:
    """Terminations and rewards in a run's replay."""
    arrays = checkpoint.load(checkpoint.checkpoints(run.path / "checkpoints")[-1])[0]
    rows = "engine/learner/replay/rows"
    return int(arrays[f"{rows}/terminated"].sum()), float(arrays[f"{rows}/reward"].sum())


PQN_AGENT = PQN(network=MLP((8,), layer_norm=True), rollout=20, minibatches=4, epochs=1)


@pytest.mark.parametrize(
    ("backend", "values"),
    [("gymnasium", {"agent.replay.storage": "frames", "agent.replay.capacity": 400}), ("ale", {"agent": PQN_AGENT})],
    ids=["dqn-of-frames", "pqn-in-processes"],
)
def test_resumed_equals_uninterrupted(backend: str, values: dict[str, Any], tmp_path: Path) -> None:
    small = recipe(**values, **{"env.backend": backend, "env.atari.sticky": 0.25, "env.atari.life_loss": "ends"})
    reference = aq.train(small, out=tmp_path / "reference")
    crashed(small, tmp_path / "run", 700)
    assert_same(aq.resume(tmp_path / "run"), reference)


def test_a_score_that_no_game_has_is_warned_of() -> None:
    """Points of a game that flow into the next one's."""
    look = Ceiling(Env("ALE/Breakout-v5")).look
    look(100, [np.array([]), np.array([864.0, 3.0])])
    with pytest.warns(UserWarning, match="933 by step 200, and no game of ALE/Breakout-v5 scores more than 864"):
        look(200, [np.array([4.0, 933.0])])
    look(300, [np.array([933.0])])  # once is enough
    Ceiling(Env("CartPole-v1")).look(100, [np.array([1e9])])


def test_what_is_no_game_is_refused() -> None:
    for values in ({"backend": "ale"}, {"atari": Atari()}):
        with pytest.raises(UserError, match="ALE/Breakout-v5, and not for CartPole-v1"):
            host(aq.replace(Env("CartPole-v1"), values))
    with pytest.raises(UserError, match="not registered"):
        host(Env("ALE/Breakaut-v5"))
