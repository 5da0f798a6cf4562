"""What an author of components needs is exported, and code against the package passes ``mypy --strict``."""

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import argmaxq as aq
from argmaxq.components.registry import registry

USER = '''"""A component of a user's own, and an agent composed of ours and of it."""

import jax
import jax.numpy as jnp
from flax import linen as nn

import argmaxq as aq


@aq.component(aq.Exploration)
class Boltzmann:
    """Actions in proportion to exp(q / temperature)."""

    temperature: aq.Positive = 1.0

    def noise(self, key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
        return jax.random.split(key, shape)

    def choose(self, q: jax.Array, clock: aq.Clock, noise: jax.Array) -> jax.Array:
        action: jax.Array = jax.random.categorical(noise, q / self.temperature).astype(jnp.int32)
        return action

    def explores(self, clock: aq.Clock, noise: jax.Array) -> jax.Array:
        return jnp.asarray(True)

    def report(self, clock: aq.Clock) -> aq.Metrics:
        return {"temperature": self.temperature}


class Layer(nn.Module):
    @nn.compact
    def __call__(self, obs: jax.Array) -> jax.Array:
        return nn.Dense(2)(obs)


agent = aq.agents.DQN(
    network=Layer(),
    exploration=Boltzmann(2.0),
    replay=aq.replay.Prioritised(10_000, alpha=0.5),
    bootstrap=aq.bootstrap.Double(),
    optimiser=aq.optimisers.Adam(1e-3, annealing=aq.schedules.Linear(1.0, 0.0, 1.0, per="run")),
)
network = aq.networks.MLP((32,), inputs=aq.inputs.Rescaled(), head=aq.heads.Dueling())
recipe = aq.replace(aq.Recipe(agent, aq.Env("CartPole-v1"), steps=10), {"agent.network": network})


def mean() -> float:
    run = aq.train(recipe, seeds=2)
    policy: aq.Policy = aq.load(run.path, own={"agent.network": Layer()})
    return run.evaluate(episodes=3).mean + float(policy(jnp.zeros(4)))


wrong = Boltzmann("hot")
'''


def test_every_component_stands_in_a_module_named_after_its_role() -> None:
    rooms = [room for name in aq.__all__ if isinstance(room := getattr(aq, name), ModuleType)]
    ours = [cls for members in registry.values() for cls in members.values() if cls.__module__.startswith("argmaxq.")]
    found = [item for room in (aq, *rooms) for item in vars(room).values()]
    assert [cls.__name__ for cls in ours if not any(item is cls for item in found)] == []


def test_user_code_passes_mypy_strict(tmp_path: Path) -> None:
    """But for its mistake: without ``py.typed`` everything of the package would be unknown."""
    (tmp_path / "user.py").write_text(USER)
    line = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--no-error-summary", "user.py"]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=False)
    mistake = f'{USER.count(chr(10))}: error: Argument 1 to "Boltzmann" has incompatible type "str"; expected "float"'
    assert (done.stdout, done.stderr) == (f"user.py:{mistake}  [arg-type]\n", "")
