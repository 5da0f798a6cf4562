"""Command lines as nobody should type them: valid ones with parts dropped, doubled, swapped and spoilt."""

import random
from collections.abc import Sequence

import argmaxq as aq
from argmaxq.components.annotations import bounds_of, plain_type
from argmaxq.components.paths import paths
from argmaxq.components.registry import candidates

QUICK = ("cartpole/dqn-course", "frozenlake/q")
"""Recipes whose programs compile soon, so that many lines can be tried."""
VERBS = ("list", "train", "resume", "evaluate", "plot", "compare", "report", "watch", "export", "check", "completion")
TEXTS = (
    *("", " ", "-", "--", "---", "=", "none", "null", "true", "nan", "inf", "-inf", "1e400", "-0", "0", "-1", "1", "7"),
    *(
        "3.5",
        "1e3",
        "1k",
        "1.5M",
        "64 64",
        "64,64",
        "[1,2]",
        "{}",
        '{"a": 1}',
        '{"a":',
        "'",
        '"',
        "\\",
        "\n",
        "\t",
        "\x00",
        "\ud800",
    ),
    *("é", "🂡", "a" * 300, "9" * 40, "-" + "9" * 40, "~", "*", "$HOME", "%s", "{0}", "dqn", "best", ":", "a:b:c"),
    *("../foreign/file", "/dev/null", "/etc/passwd", "CartPole-v1", "Acrobot-v1", "FrozenLake-v1", "NoSuch-v0"),
    *("no_such_module:X-v0", "os:system"),
)
NUMBERS = ("-1", "0", "1", "2", "3", "5", "17", "0.5", "1.5", "1e-9", "100", "1000", "2147483647", "2147483648", "1e30")
LOOPS = ("-1", "0", "1", "2", "3", "5", "1.5", "17", "64", "2147483648", "1e30")
"""Lengths of loops and arrays: none that would merely keep the machine busy."""
EVER = ("agent.updates", "agent.epochs", "agent.rollout", "agent.minibatches", "agent.batch_size", "agent.n_step")


def recipe_options(recipe: aq.Recipe, chance: random.Random) -> list[str]:
    """One option of a recipe with a value that may or may not suit it."""
    place = chance.choice(paths(recipe))
    flag = f"--{place.path.replace('_', chance.choice('_-'))}"
    known, plain = candidates(place.hint), plain_type(place.hint)
    if known and chance.random() < 0.8:
        return [flag, chance.choice(list(known))]
    if plain is float or (plain is int and (bounds := bounds_of(place.hint)) is not None and bounds.traced):
        looping = place.path in EVER or place.path.endswith(("every", "episodes", "steps", "period", "starts"))
        return [flag, chance.choice(LOOPS if looping else NUMBERS)]
    if plain is int or plain is tuple:
        return [flag, chance.choice(LOOPS)]
    return [flag, chance.choice(TEXTS)]


def command_line(chance: random.Random, runs: Sequence[str]) -> list[str]:
    """One line; ``runs`` are folders of runs that may be looked at and resumed. Trainings are of few steps."""
    verb = chance.choice((*VERBS, "train", "train", "train"))
    words, short = [verb], ["--steps", "64", "--evaluation.episodes", "1"]
    if verb == "train":
        name = chance.choice(QUICK if chance.random() < 0.8 else list(aq.recipes()))
        words.append(name)
        recipe = aq.find(name)
        if hasattr(recipe.agent, "learning_starts"):
            short += ["--agent.learning-starts", "8"]
        for _ in range(chance.choice((0, 1, 1, 2, 3))):
            words += recipe_options(recipe, chance)
        words += chance.choice(([], ["--seed", "3"], ["--seeds", "2"], ["--engine", "host"], ["--quiet"]))
        words += chance.choice(([], [], ["--env", chance.choice(TEXTS)], ["--out", chance.choice(TEXTS)]))
    elif verb == "check":
        words += [chance.choice(TEXTS), *chance.choice(([], ["--kwargs", chance.choice(TEXTS)]))]
    elif verb in ("list", "completion"):
        words += chance.choice(([], [chance.choice(TEXTS)], [chance.choice(("cartpole", "bash", "dqn", "zsh"))]))
    elif verb in ("plot", "compare", "report") and chance.random() < 0.2:
        words += [*runs, *looking(verb, chance)]
    else:
        words += [chance.choice((*runs, *runs, chance.choice(TEXTS))), *looking(verb, chance)]
    words = spoilt(words, chance)
    if words[:1] == ["train"]:
        return [*words, *short]
    return ["1.5" if word == "1.5M" else word for word in words]  # so many episodes would merely keep the machine busy


def looking(verb: str, chance: random.Random) -> list[str]:
    """Options of a verb that takes a run."""
    which = ["--checkpoint", chance.choice(TEXTS)] if verb != "resume" and chance.random() < 0.5 else []
    own = {
        "evaluate": ["--episodes", chance.choice(LOOPS[:7])],
        "resume": ["--steps", chance.choice(LOOPS[:7])],
        "compare": chance.choice(
            (["--score", chance.choice(("final", "best", *TEXTS))], ["--difference", chance.choice(NUMBERS)])
        ),
        "report": ["--play", chance.choice(("none", "random", *TEXTS))],
        "plot": ["--what", chance.choice(("curve", "loss", "choices", "value", *TEXTS))],
        "watch": ["--video", chance.choice(("a.gif", "b.mp4", *TEXTS))],
        "export": ["--to", chance.choice(("policy", "policy", *TEXTS)), "--out", chance.choice(("mine", *TEXTS))],
    }
    return [*which, *own[verb]]


def spoilt(words: list[str], chance: random.Random) -> list[str]:
    """The same words, or with one of them dropped, doubled, replaced, cut or moved."""
    words, place = list(words), chance.randrange(len(words))
    match chance.choice(("none", "none", "drop", "double", "replace", "cut", "move", "join", "add")):
        case "drop":
            del words[place]
        case "double":
            words.insert(place, words[place])
        case "replace":
            words[place] = chance.choice(TEXTS)
        case "cut":
            words[place] = words[place][: chance.randrange(len(words[place]) + 1)]
        case "move":
            words.insert(chance.randrange(len(words)), words.pop(place))
        case "join" if place + 1 < len(words):
            words[place : place + 2] = ["=".join(words[place : place + 2])]
        case "add":
            words.insert(place, chance.choice(TEXTS))
    return words
