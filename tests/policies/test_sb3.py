"""Networks that Stable-Baselines3 saved act here as there, and what is no such file does nothing."""

import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces

import argmaxq as aq

torch = pytest.importorskip("torch")
sb3 = pytest.importorskip("stable_baselines3")
MANY = 10_000


class Seen(gym.Env[Any, Any]):
    """Random observations of a space."""

    action_space = spaces.Discrete(4)

    def __init__(self, space: spaces.Space[Any]) -> None:
        self.observation_space = space

    def reset(self, **options: Any) -> Any:
        super().reset(seed=options.get("seed"))
        return self.observation_space.sample(), {}

    def step(self, action: Any) -> Any:
        return (
            self.observation_space.sample(),
            float(self.np_random.normal()),
            False,
            bool(self.np_random.random() < 0.1),
            {},
        )


KINDS: dict[str, tuple[spaces.Space[Any], dict[str, Any]]] = {
    "MlpPolicy": (spaces.Box(-5, 5, (4,), np.float64), {}),
    "tanh, of one layer": (
        spaces.Box(-5, 5, (4,), np.float32),
        {"net_arch": [32], "activation_fn": torch.nn.Tanh},
    ),
    "of states": (spaces.Discrete(12), {"net_arch": [8, 8]}),
    "of pictures, flat": (spaces.Box(0, 255, (3, 4, 4), np.uint8), {"net_arch": []}),
    "CnnPolicy": (spaces.Box(0, 255, (36, 40, 3), np.uint8), {}),
    "CnnPolicy with layers": (spaces.Box(0, 255, (36, 48, 1), np.uint8), {"net_arch": [16]}),
}


def trained(kind: str, folder: Path) -> tuple[Any, Path]:
    """A model that was trained for a moment, and where it is saved."""
    space, options = KINDS[kind]
    model = sb3.DQN(
        "CnnPolicy" if kind.startswith("Cnn") else "MlpPolicy", Seen(space), seed=0, learning_starts=8, batch_size=8,
        buffer_size=64, policy_kwargs=options, device="cpu",
    )  # fmt: skip
    model.learn(40)
    with torch.no_grad():  # so that it takes more than one action
        for weights in model.q_net.parameters():
            weights += 0.3 * torch.randn(weights.shape) / weights.shape[-1] ** 0.5
    model.save(folder / "model.zip")
    return model, folder / "model.zip"


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained("MlpPolicy", tmp_path_factory.mktemp("sb3"))[1]


@pytest.mark.filterwarnings("ignore")  # of Stable-Baselines3's
@pytest.mark.parametrize("kind", KINDS)
def test_a_policy_acts_as_the_model_did(kind: str, tmp_path: Path) -> None:
    model, path = trained(kind, tmp_path)
    policy = aq.from_sb3(path)
    space, rng = model.observation_space, np.random.default_rng(0)
    if isinstance(space, spaces.Discrete):
        obs: Any = rng.integers(space.n, size=MANY)
    elif space.dtype == np.uint8:
        obs = rng.integers(256, size=(MANY, *space.shape), dtype=np.uint8)
    else:
        obs = rng.normal(size=(MANY, *space.shape), scale=3)
    with torch.no_grad():
        values = np.concatenate([model.q_net(model.policy.obs_to_tensor(part)[0]) for part in np.split(obs, 10)])
    theirs = np.concatenate([model.predict(part, deterministic=True)[0] for part in np.split(obs, 10)])
    # A batch of pictures is computed in another precision than one of them, and a few are as one.
    parts = np.split(obs, MANY // 8) if kind.startswith("Cnn") else [obs]
    ours = np.concatenate(list(map(policy.values, parts[:100])))
    np.testing.assert_allclose(ours, values[: len(ours)], rtol=1e-4, atol=1e-5)
    best = np.sort(values)
    apart = best[:, -1] - best[:, -2] > 1e-5
    assert apart.mean() > 0.99
    np.testing.assert_array_equal(np.concatenate(list(map(policy, parts)))[apart], theirs[apart])
    assert np.ptp(values, axis=0).max() > 0.01


class Trap:
    def __reduce__(self) -> Any:
        return exec, ("raise SystemExit('it was unpickled')",)


def changed(saved: Path, to: Path, **entries: bytes) -> Path:
    """A copy of a zip with other entries."""
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(to, "w") as target:
        for name in source.namelist():
            target.writestr(name, entries.get(name.partition(".")[0], source.read(name)))
    return to


def told(saved: Path, change: Callable[[dict[str, Any]], Any]) -> bytes:
    data = json.loads(zipfile.ZipFile(saved).read("data"))
    change(data)
    return json.dumps(data).encode()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda saved: {"policy": pickle.dumps(Trap())}, "is no model that Stable-Baselines3 saved"),
        (lambda saved: {"policy": b"\0" * 90}, "is no model that Stable-Baselines3 saved"),
        (lambda saved: {"data": b"{" * 100_000}, "is no model that Stable-Baselines3 saved"),
        (lambda saved: {"data": b"[]"}, "its observation_space cannot be read|holds no DQN"),
        (lambda saved: {"data": told(saved, lambda data: data.pop("action_space"))}, "its action_space cannot be read"),
        (
            lambda saved: {
                "data": told(saved, lambda data: data["observation_space"].update(_shape="[9999999999999]"))
            },
            "do not fit its spaces|cannot be read",
        ),
        (
            lambda saved: {"data": told(saved, lambda data: data.update(policy_kwargs={"activation_fn": "a.GELU'>"}))},
            "its activation GELU has no equal here",
        ),
        (lambda saved: {"data": told(saved, lambda data: data["action_space"].update(n="7"))}, "do not fit its spaces"),
    ],
)
def test_a_hostile_or_damaged_file_is_a_line(saved: Path, tmp_path: Path, wrong: Any, said: str) -> None:
    """What is pickled beside the text that is read is never unpickled: it is a trap here."""
    trap = told(saved, lambda data: data["replay_buffer_class"].update({":serialized:": "gASVIg=="}))
    path = changed(saved, tmp_path / "model.zip", **{"data": trap, **wrong(saved)})
    with pytest.raises(aq.UserError, match=said) as fault:
        aq.from_sb3(path)
    assert "\n" not in str(fault.value)


def test_what_is_pickled_stays_pickled(saved: Path, tmp_path: Path) -> None:
    """The whole of ``data`` may hold traps; the policy is the same."""
    import base64

    trap = base64.b64encode(pickle.dumps(Trap())).decode()

    def set_traps(data: dict[str, Any]) -> None:
        for value in data.values():
            if isinstance(value, dict) and ":serialized:" in value:
                value[":serialized:"] = trap

    path = changed(saved, tmp_path / "model.zip", data=told(saved, set_traps))
    obs = np.random.default_rng(0).normal(size=(50, 4))
    np.testing.assert_array_equal(aq.from_sb3(path).values(obs), aq.from_sb3(saved).values(obs))
    with pytest.raises(aq.UserError, match="there is no such file"):
        aq.from_sb3(tmp_path / "nothing.zip")
