"""A folder for the Hugging Face Hub: the policy loads from it, and its card says what can be found again."""

from pathlib import Path

import numpy as np
import pytest

import argmaxq as aq
from support.commands import Command
from support.exported import asked

hub = pytest.importorskip("huggingface_hub")


@pytest.fixture
def folder(argmaxq: Command, trained: str, tmp_path: Path) -> Path:
    code, out, err = argmaxq("export", trained, "--to", "hf", "--episodes", "5", "--out", "shared")
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == "shared: to share it, hf upload OWNER/NAME shared"
    return tmp_path / "shared"


def test_it_holds_the_policy_a_film_and_a_card_that_is_true(folder: Path, trained: str, argmaxq: Command) -> None:
    obs, _ = asked(aq.load(trained))
    np.testing.assert_array_equal(aq.load(folder).values(obs), aq.load(trained).values(obs))
    assert (folder / "film.mp4").stat().st_size > 1_000
    found = aq.Run(folder).evaluate(episodes=5)
    card = hub.ModelCard.load(folder / "README.md")
    (result,) = card.data.eval_results
    assert (result.task_type, result.dataset_name, result.metric_type) == (
        "reinforcement-learning", "CartPole-v1", "mean_reward",
    )  # fmt: skip
    assert result.metric_value == f"{found.mean:.2f} +/- {np.std(found.returns):.2f}"
    assert result.metric_args["episodes"] == 5
    assert (card.data.library_name, card.data.model_name) == ("argmaxq", "cartpole/dqn")
    assert {"CartPole-v1", "reinforcement-learning"} <= {*card.data.tags}
    assert "argmaxq train cartpole/dqn --" in card.text
    assert "{{" not in card.text
    assert "{%" not in card.text


def test_what_cannot_be_written_leaves_nothing(argmaxq: Command, trained: str, tmp_path: Path) -> None:
    for words in (("--checkpoint", "400"), ("--episodes", "0")):
        code, out, err = argmaxq("export", trained, "--to", "hf", "--out", "none", *words)
        assert (code, out, len(err.splitlines())) == (2, "", 1)
        assert not (tmp_path / "none").exists()
