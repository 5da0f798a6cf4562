"""The page of a run or of several: what is on it, that it stands alone, and what it does in a real browser."""

import base64
import hashlib
import json
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import argmaxq as aq
from argmaxq.components.options import read
from argmaxq.components.serialisation import to_json
from argmaxq.page import headline, settings
from argmaxq.page.axes import scale, short
from argmaxq.page.chart import PHONE, Chart, Series, clipped, draw, fitted, hover
from argmaxq.page.explorer import apart, distributions
from argmaxq.page.figures import block
from argmaxq.page.follow import follow
from argmaxq.page.looks import looks
from argmaxq.page.report import report
from argmaxq.recipes import choose
from argmaxq.verbs.evaluated import Evaluated
from argmaxq.visualisation.recording import discounted
from samples.own_environments import Own
from support.browser import Browser
from support.commands import Command
from support.drawings import HALF, HOSTILE, Outline
from support.scored import scored


def episode_of(text: str) -> dict[str, Any]:
    (found,) = re.findall(r'<script type="application/json" class="episode">(.*?)</script>', text, re.S)
    return dict(json.loads(found))


@pytest.fixture(scope="module")
def page(trained: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    played = ("film", "episode", "random")
    return report(aq.Run(trained), tmp_path_factory.mktemp("page") / "page.html", played=played)


def test_a_page_stands_alone(page: Path) -> None:
    text = page.read_text()
    assert len(text) < 5_000_000
    outline = Outline(text)
    assert outline.open == []
    assert not re.search(r"(?:src|href)=\"(?!data:|#)", text)
    (policy,) = [found["content"] for tag, found in outline.seen if "http-equiv" in found and tag == "meta"]
    for tag in ("style", "script"):
        (own,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.S)
        assert f"{tag}-src 'sha256-{base64.b64encode(hashlib.sha256(own.encode()).digest()).decode()}'" in str(policy)
    assert str(policy).startswith("default-src 'none'")
    assert not [found for _, found in outline.seen if "style" in found or any(name.startswith("on") for name in found)]
    assert "data:video/mp4;base64," in text
    assert "random policy" in text


def test_an_episode_is_what_the_policy_saw(page: Path, trained: str) -> None:
    found, policy = episode_of(page.read_text()), aq.load(trained)
    assert found["n"] == len(found["q"]) == len(found["frames"]) == len(found["o"])
    assert [int(np.argmax(values)) for values in found["q"]] == found["a"]
    assert found["w"] == [max(values) for values in found["q"]]
    first = aq.Run(trained).evaluate(1).returns[0]
    assert sum(found["r"]) == first
    gamma = float(policy.agent.gamma)  # type: ignore[attr-defined]
    factor = float(policy.agent.rewards.factor)  # type: ignore[attr-defined]
    assert found["g"][-1] == pytest.approx(factor, rel=1e-3)
    assert found["g"][0] == pytest.approx(factor * sum(gamma**k for k in range(found["n"])), rel=1e-3)
    # In CartPole an observation is its state: the values are those of what the page shows
    q = policy.values(np.array(found["o"][5], np.float32))
    assert q.tolist() == pytest.approx(found["q"][5], rel=0.02)


def test_what_follows_is_as_it_is_learnt(trained: str) -> None:
    agent = aq.replace(aq.load(trained).agent, {"gamma": 0.5, "rewards": "clip"})
    # clipped to 1, -1 and .5, and 4 follows: .5 + 4/2, -1 + 2.5/2, 1 + .25/2
    assert discounted(agent, [5.0, -3.0, 0.5], 4.0) == pytest.approx([1.125, 0.25, 2.5])
    assert discounted(aq.replace(agent, {"rewards": "running"}), [1.0], 0.0) is None


def test_parameters_stand_on_their_ranges(platform: aq.Run, tmp_path: Path) -> None:
    text = report(platform, tmp_path / "page.html", played=("episode",)).read_text()
    ranges = re.findall(r'data-parameter="(\d+)" data-low="([-\d.]+)" data-high="([-\d.]+)"', text)
    assert [int(column) for column, _, _ in ranges] == [0, 1, 2]
    found = episode_of(text)
    for values in found["p"]:
        assert all(float(low) <= value <= float(high) for value, (_, low, high) in zip(values, ranges, strict=True))
    assert "<video" not in text


@pytest.mark.parametrize("kind", ["trained", "seeds"])
def test_pictures_of_the_policy_are_those_that_make_sense(kind: str, request: pytest.FixtureRequest) -> None:
    """Of several seeds they are the median one's, as the film is."""
    found = looks(aq.Run(request.getfixturevalue(kind)))
    assert [look.title.partition(" ")[0] for look in found] == ["Greedy", "Greatest", "What"]
    assert all(len(look.data) < 200_000 and look.width <= 1_000 for look in found)


def test_distributions_are_probabilities_of_returns() -> None:
    logits = np.log(np.array([[[0.2, 0.3, 0.5]]]))
    shares, low, high = distributions(aq.returns.Categorical(atoms=3, low=-1.0, high=1.0), logits) or (
        np.zeros(0),
        0,
        0,
    )
    assert (low, high) == (-1.0, 1.0)
    np.testing.assert_allclose(shares, [[[0.2, 0.3, 0.5]]], rtol=1e-6)
    quantiles = np.array([[[0.0, 1.0, 1.0, 4.0]]])
    shares, low, high = distributions(aq.returns.Quantile(quantiles=4), quantiles) or (np.zeros(0), 0, 0)
    assert (low, high, shares[0, 0, 0], shares[0, 0, 12], shares[0, 0, -1]) == (0.0, 4.0, 0.25, 0.5, 0.25)
    assert distributions(aq.returns.Scalar(), np.zeros((1, 2, 1))) is None


def test_hostile_names_stay_text(seeds: str, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(seeds, folder)
    for file in [folder / "config.json", *folder.glob("seed-*/config.json")]:
        config = json.loads(file.read_text())
        config["name"] = config["versions"]["jax"] = HOSTILE
        config["versions"]["numpy"] = HALF
        file.write_text(json.dumps(config))
    for file in folder.glob("seed-*/metrics.jsonl"):
        rows = [json.loads(line) for line in file.read_text().splitlines()]
        file.write_text("".join(json.dumps(row | {f"{HOSTILE}</script>": 1.0}) + "\n" for row in rows))
    text = report(aq.Run(folder), played=()).read_text()
    assert HOSTILE not in text
    assert "<img" not in text
    assert "&lt;img src=x onerror=alert(1)&gt;" in text
    assert Outline(text).open == []
    assert json.loads(block({"a": "</script><!--&"})) == {"a": "</script><!--&"}


def test_damage_is_said_on_the_page(trained: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "run"
    shutil.copytree(trained, folder)
    (folder / "evaluations.jsonl").write_text("not JSON\n{}\n")
    shutil.rmtree(folder / "checkpoints")
    text = report(aq.Run(folder), played=("film", "episode")).read_text()
    assert "No curve: " in text
    assert "line 1: not JSON, so the file was changed since" in text
    assert "No film: " in text
    assert "No episode to look into: " in text
    assert "mean Q of what is learnt from" in text
    other = tmp_path / "own.html"
    other.write_text("mine")
    for out, why in ((other, "is no page of argmaxq's"), (tmp_path / "page.png", "must end in .html")):
        with pytest.raises(aq.UserError, match=why):
            report(aq.Run(folder), out)
    assert other.read_text() == "mine"


def test_runs_are_compared(tmp_path: Path, argmaxq: Command) -> None:
    for name, shift, env in (("a", 0.0, "CartPole-v1"), ("b", 8.0, "CartPole-v1"), ("c", 0.0, "Acrobot-v1")):
        scored(tmp_path / name, shift, env)
    code, _, err = argmaxq("report", "a", "b", "c", "--out", "page.html")
    assert (code, err) == (0, "")
    text = (tmp_path / "page.html").read_text()
    assert "A run of b beats a run of a with probability" in text
    assert text.count("<h2>") == 2
    assert "| --- |" in text
    assert "\\toprule" in text
    assert argmaxq("report", "a", "a")[2].count("\n") == 1
    assert argmaxq("report", "a", "--play", "films")[2].count("\n") == 1


def test_the_command_repeats_the_run(trained: str) -> None:
    config = aq.Run(trained).config
    for changes in (
        {},
        {"agent.replay": "prioritised", "agent.returns": "quantile", "agent.returns.quantiles": 7},
        {"agent.network": aq.networks.MLP((8,), layer_norm=True), "stop": "never"}
        | {"agent.exploration.epsilon": "constant", "agent.exploration.epsilon.value": 0.1},
    ):
        recipe = to_json(aq.replace(aq.find("cartpole/dqn"), changes))
        command, note = settings.command(config | {"recipe": recipe, "seeds": [3, 4]})
        assert note == ""
        words = shlex.split(command)
        assert words[:3] == ["argmaxq", "train", "cartpole/dqn"]
        assert words[-4:] == ["--seed", "3", "--seeds", "2"]
        again = choose("cartpole/dqn", read(words[3:-4])).recipe
        assert to_json(again) == recipe


def test_a_run_that_was_resumed_is_repeated_by_several_commands(trained: str) -> None:
    config = aq.Run(trained).config
    recipe = to_json(aq.replace(aq.find("cartpole/dqn"), {"steps": 1_500, "agent.gamma": 0.9, "stop": "never"}))
    resumed = config | {
        "recipe": recipe, "stretches": [[0, 1_000], [1_024, 1_500]],
        "changes": [{"step": 1_024, "values": {"agent.gamma": 0.9}, "before": {"agent.gamma": 0.5}}],
    }  # fmt: skip
    assert settings.command(resumed)[0].splitlines() == [
        "argmaxq train cartpole/dqn --agent.gamma 0.5 --steps 1000 --out again",
        "argmaxq resume again --steps 500 --agent.gamma 0.9",
    ]
    early = resumed | {"stretches": [[0, 1_000], [512, 1_500]]}
    assert settings.command(early) == (
        "", "it was interrupted, and at step 512 resumed as another run, which no command line repeats",
    )  # fmt: skip


def test_an_environment_of_the_users_own_has_no_command(trained: str) -> None:
    config = aq.Run(trained).config
    env = config["recipe"]["env"] | {"id": {"own": "functools.partial(<function make>, 2.0)"}}
    for name in ("dqn", "cartpole/dqn"):
        command, note = settings.command(config | {"name": name, "recipe": config["recipe"] | {"env": env}})
        assert command == ""
        assert "functools.partial(<function make>, 2.0)" in note


def test_an_episode_is_shown_without_pictures(tmp_path: Path) -> None:
    recipe = aq.replace(aq.find("cartpole/dqn"), {"steps": 64, "agent.learning_starts": 64, "evaluation.every": 0})
    run = aq.train(recipe, env=lambda: Own(done=gym.spaces.Discrete(2, start=3)), out=tmp_path / "run")
    text = report(run, played=("episode",)).read_text()
    found = episode_of(text)
    assert found["frames"] == []
    assert len(found["q"]) == found["n"] == Own.length
    assert "No picture: the environment has no render." in text
    assert {*found["names"].values()} == {"action 3", "action 4"}


def test_figures_say_of_how_many_they_are(trained: str, tmp_path: Path) -> None:
    shutil.copytree(trained, tmp_path / "run")
    file = tmp_path / "run" / "summary.json"
    summary = json.loads(file.read_text())
    summary["seeds"][0]["best"] |= {"of_selecting_evaluations": 1, "mean": 0.0125}
    file.write_text(json.dumps(summary))
    card = next(card for card in headline.cards(aq.Run(tmp_path / "run")) if card.label == "best evaluation")
    assert card.below.endswith("; the only evaluation")
    assert card.value == "0.013"


def test_figures_have_digits_enough_for_small_returns(tmp_path: Path) -> None:
    lake = aq.Run(scored(tmp_path / "lake", 0.0, "FrozenLake-v1"))
    assert {"random policy 0.000", "best possible 0.744 (dynamic programming over its 100 steps)"} <= {
        mark.label for mark in headline.marks(lake, 0.0)
    }
    assert repr(Evaluated((0.0, 1.0, 1.0), 0.0)).endswith("random policy's mean 0.000>")
    assert "mean 0.667" in repr(Evaluated((0.0, 1.0, 1.0), 0.0))


def test_short_runs_say_what_was_not_measured(page: Path) -> None:
    text = page.read_text()
    assert "Shorter than 8 blocks" in text
    assert "Shaded" not in text
    assert "band: plus and minus its spread over episodes" in text


def test_what_training_and_evaluations_disagree_about_is_said(tmp_path: Path, argmaxq: Command) -> None:
    for name, shift, trained in (("a", 0.0, 90.0), ("b", 50.0, 10.0)):
        for seed, folder in enumerate(sorted(scored(tmp_path / name, shift).glob("seed-*"))):
            (folder / "episodes.jsonl").write_text(
                json.dumps({"step": 900, "return": trained + seed, "length": 9}) + "\n"
            )
    assert argmaxq("report", "a", "b", "--out", "page.html")[0] == 0
    assert "it is a that is better (94.5 against 14.5 of b)" in (tmp_path / "page.html").read_text()


def test_forecast_and_fact_that_agree_are_said_to() -> None:
    assert apart(0, 1e-9, 10.0) == "Forecast and fact agree at every step."
    assert apart(3, -0.5, 10.0) == "Furthest apart are forecast and fact at step 3: 0.5 too little was expected."


def test_long_names_are_shortened_in_their_middle() -> None:
    assert len({clipped(name, 9) for name in ("cartpole/dqn", "cartpole/pqn")}) == 2
    assert clipped("cartpole/dqn", 9) == "cart…/dqn"
    assert fitted(["cartpole/dqn-long", "cartpole/pqn-long", "mlp"], 9) == ["…dqn-long", "…pqn-long", "mlp"]
    assert fitted(["0.9", "0.99"], 4) == ["0.9", "0.99"]


def test_what_differs_from_the_recipe_stands_out(trained: str) -> None:
    config = aq.Run(trained).config
    assert settings.tree(config | {"recipe": to_json(aq.find("cartpole/dqn"))}).differs is False
    tree = settings.tree(config)
    (steps,) = [node for node in tree.below if node.name == "steps"]
    assert (steps.value, steps.was) == ("1200", "50000")


def test_a_page_follows_a_run_until_it_is_finished(trained: str, tmp_path: Path) -> None:
    folder, summary = tmp_path / "run", Path(trained) / "summary.json"
    shutil.copytree(trained, folder)
    (folder / "summary.json").unlink()
    pages: list[str] = []

    def open_run() -> aq.Run:
        if (folder / "page.html").exists():
            pages.append((folder / "page.html").read_text())
            shutil.copy(summary, folder)
        return aq.Run(folder)

    path = follow(open_run, played=(), every=0.0, say=lambda _: None)
    assert "data-live" in pages[0]
    assert "Not finished" in pages[0]
    assert "data-live" not in path.read_text()


def test_charts() -> None:
    assert scale(0, 10_000, 0, 100).ticks(4) == [0, 2_500, 5_000, 7_500, 10_000]
    assert [short(value, 2_500) for value in (0, 2_500, 10_000)] == ["0", "2.5k", "10k"]
    assert [short(value, 250) for value in (-750, -1_000)] == ["\u2212750", "\u22121k"]
    assert [short(value, 0.25) for value in (-0.25, 0.5)] == ["\u22120.25", "0.50"]
    assert scale(1, 1_000, 0, 3, logarithmic=True)(10.0) == pytest.approx(1.0)
    line = Series("a", np.arange(5.0), np.array([1, 2, np.nan, 4, 5.0]))
    text = draw(Chart("<b>", (line,)), PHONE, "narrow")
    assert text.count('class="line c1"') == 2  # a gap where there is no number
    assert "&lt;b&gt;" in text
    assert hover(Chart("", (line,)))["series"][0]["y"] == [1, 2, None, 4, 5]


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_in_a_browser(page: Path, chromium: Browser, width: int, dark: bool) -> None:
    chromium.open(page, width, dark=dark)
    assert chromium.complaints() == []
    assert chromium.run("document.documentElement.scrollWidth") == width
    sizes = chromium.run("[...document.querySelectorAll('.chart')].map(f => f.querySelector('.plot').offsetHeight)")
    assert sizes
    assert min(sizes) > 80
    ground = chromium.run("getComputedStyle(document.documentElement).backgroundColor")
    assert (ground == "rgb(19, 21, 24)") == dark


def test_an_episode_is_stepped_through_by_keys_mouse_and_touch(page: Path, chromium: Browser) -> None:
    chromium.open(page)
    step = "+document.querySelector('.r-step').textContent.split(' ')[0]"
    frame = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
    chromium.run("document.querySelector('.explorer').focus()")
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
        chromium.key(key)
        chromium.run(frame)
    assert chromium.run(step) == 1
    found = episode_of(page.read_text())
    names = chromium.run("document.querySelector('.r-action').textContent")
    assert names == found["names"][str(found["a"][1])]
    assert chromium.run("document.querySelector('.action.taken').dataset.column") == str(found["a"][1])
    chromium.run("document.querySelector('.forecast .wide').scrollIntoView({behavior: 'instant', block: 'center'})")
    box = chromium.run("Object.values(document.querySelector('.forecast .wide').getBoundingClientRect().toJSON())")
    end = {"x": box[0] + box[2] - 2, "y": box[1] + box[3] / 2}
    chromium.click(end)
    chromium.run(frame)
    assert chromium.run(step) == found["n"] - 1
    chromium.tap(end | {"x": box[0] + 2})
    chromium.run(frame)
    assert chromium.run(step) == 0
    assert chromium.complaints() == []


def test_it_can_be_read_without_a_script(page: Path, chromium: Browser) -> None:
    chromium.open(page, script=False)
    seen = chromium.call("Page.captureScreenshot", format="png")
    assert len(seen["data"]) > 10_000
    assert chromium.complaints() == []
    assert chromium.run("getComputedStyle(document.querySelector('.controls')).display") == "none"
    assert chromium.run("document.querySelector('.screen img').offsetHeight") > 50
