"""What holds for every test, and runs that several files of tests look at."""

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import jax
import pytest
from hypothesis import settings

import argmaxq as aq
from argmaxq import programs
from argmaxq.cli.main import main
from argmaxq.setup import device_per_core
from support.browser import CHROMIUM, Browser, browser
from support.commands import SMALL, Command, Outcome
from support.runs import CARTPOLE

# A first call compiles, which takes longer than any deadline for one example.
settings.register_profile("argmaxq", deadline=None)
settings.load_profile("argmaxq")

# Before any test starts JAX, so that several seeds are spread over the cores as they are from the command line.
device_per_core()


@pytest.fixture(scope="session", autouse=True)
def key_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The key that runs are signed with is not that of who runs the tests."""
    os.environ["ARGMAXQ_STATE_DIR"] = str(tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="module", autouse=True)
def programs_of_one_file() -> Iterator[None]:
    """Compiled programs are dropped with the file that needed them: those of all files fill the memory."""
    yield
    programs.forget()
    jax.clear_caches()
    gc.collect()


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium here")
    with browser(tmp_path_factory.mktemp("chromium")) as found:
        yield found


@pytest.fixture
def foreground() -> Iterator[None]:
    """Ctrl-C is heeded in this process, as in a shell's foreground; ``nohup make test &`` ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def argmaxq(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command, in this process and an empty folder: (exit code, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")

    def run(*argv: str) -> Outcome:
        code = main(argv)
        return code, *capsys.readouterr()

    return run


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A run's folder, which is only looked at."""
    path = str(tmp_path_factory.mktemp("cli") / "run")
    assert main(["train", *SMALL, "--out", path, "--quiet"]) == 0
    return path


@pytest.fixture(scope="session")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of a run of three seeds, which is only looked at."""
    path = str(tmp_path_factory.mktemp("cli") / "seeds")
    assert main(["train", *SMALL, "--seeds", "3", "--out", path, "--quiet"]) == 0
    return path


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> aq.Run:
    """A short training of an agent of parameterised actions."""
    recipe = aq.replace(aq.find("platform/mpdqn"), {"evaluation.every": 1_000, "evaluation.episodes": 5})
    return aq.train(recipe, steps=1_500, out=tmp_path_factory.mktemp("pictures") / "platform", name="platform/mpdqn")


@pytest.fixture(scope="session")
def cartpoles(tmp_path_factory: pytest.TempPathFactory) -> aq.Run:
    """A short training of two seeds."""
    return aq.train(CARTPOLE, seeds=2, out=tmp_path_factory.mktemp("pictures") / "cartpole", name="cartpole/dqn")
