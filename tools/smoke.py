"""A first hour with an installed argmaxq, in the current folder, which is empty: what a release must do.

Run it with the interpreter of the environment in which argmaxq is installed, and nothing of a checkout on its path.
"""

import importlib.metadata
import json
import subprocess
import sys
import sysconfig
from pathlib import Path

import argmaxq as aq

COMMAND = Path(sysconfig.get_path("scripts")) / "argmaxq"
QUIET = "--quiet"


def command(*words: str) -> str:
    """Run the installed command; what it printed. Raises SystemExit where it fails."""
    done = subprocess.run([COMMAND, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"argmaxq {' '.join(words)}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def main() -> None:
    """All of it; raises SystemExit or AssertionError where something fails."""
    assert "site-packages" in aq.__file__, f"{aq.__file__} is none that was installed"
    versions = {name: importlib.metadata.version(name) for name in ("argmaxq", "jax", "flax", "numpy", "gymnasium")}
    print(f"  Python {sys.version.split()[0]},", ", ".join(f"{name} {version}" for name, version in versions.items()))

    assert "cartpole/dqn" in command("list", "cartpole")
    command("train", "cartpole/dqn", "--steps", "3k", "--out", "run", QUIET)
    command("resume", "run", "--steps", "1k")
    assert aq.Run("run").summary["step"] >= 4_000
    evaluated = json.loads(command("evaluate", "run", "--episodes", "5", "--json"))
    assert evaluated["episodes"] == 5
    for film in ("film.mp4", "film.gif", "film.webp"):
        command("watch", "run", "--video", film, "--show", "numbers")
        assert Path(film).stat().st_size > 1_000, film
    command("plot", "run", "--what", "health")
    command("report", "run")
    assert "<svg" in Path("run/page.html").read_text(encoding="utf-8")
    command("train", "lunarlander/dqn", "--steps", "500", "--agent.learning-starts", "100", "--out", "lander", QUIET)
    command("train", "taxi/masked-q", "--steps", "2k", "--out", "taxi", QUIET)
    command("train", "frozenlake/q", "--steps", "5k", "--out", "table", QUIET)
    command("evaluate", "table", "--exact")
    policy, env = aq.load("run"), aq.Env("CartPole-v1")
    assert policy([0.0, 0.0, 0.0, 0.0]) in (0, 1), env


if __name__ == "__main__":
    main()
