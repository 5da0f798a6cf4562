"""The arguments of each verb, as argparse takes them."""

import argparse
from typing import Any, NoReturn

from argmaxq.components.errors import UserError
from argmaxq.components.numerals import whole
from argmaxq.runs.track import BEST

Argument = tuple[str, dict[str, Any]]


class Parser(argparse.ArgumentParser):
    """Argparse that tells of a mistake in one line."""

    def error(self, message: str) -> NoReturn:
        """Raises UserError."""
        raise UserError(f"{message}; see {self.prog} --help")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """As argparse's, which makes an empty list of the value in ``--option=--``; that is refused here."""
        options, rest = super().parse_known_args(args, namespace)
        single = [action.dest for action in self._actions if action.nargs is None]
        if empty := [name for name in single if getattr(options, name, None) == []]:
            self.error(f"argument --{empty[0]}: expected one argument")
        return options, rest


def argument(name: str, help: str, **settings: Any) -> Argument:
    """An argument as argparse takes it."""
    return name, {"help": help, **settings}


def whole_number(text: str) -> int:
    """As fields of recipes read it; raises ArgumentTypeError."""
    number = whole(text)
    if number is None:
        raise argparse.ArgumentTypeError(f"{text!r}: a whole number is needed, such as 100000 or 100k")
    return number


def quiet(what: str) -> Argument:
    """``--quiet``, of a verb that makes this."""
    return argument("--quiet", f"print nothing but the {what}'s folder", action="store_true")


RUN = argument("run", "the run's folder", metavar="RUN")
TRUST = (
    argument("--trust", "import the modules that the run names, though it was not made here", action="store_true"),
    argument("--env", "trust that the run's environment is this one", metavar="ID"),
)
CHECKPOINT = argument("--checkpoint", "best, last, or a step (%(default)s)", metavar="WHICH", default=BEST)
EPISODE_SEED = argument(
    "--seed", "what the episodes begin from (%(default)s)", metavar="S", type=whole_number, default=1
)
DEVICE = argument("--device", "cpu, gpu, tpu, cuda:1, ...", metavar="D")
FILMS = argument(
    "--track-films", "env steps between films of an episode; 0: none (one, at the end)", metavar="N", type=whole_number
)
OFFLINE = argument("--offline", "a tracker sends nothing: wandb writes files, for wandb sync", action="store_true")
TRACKED = (
    argument(
        "--track",
        "send the run to wandb, tensorboard, mlflow, trackio or a module:Class; may be given twice",
        metavar="TRACKER",
        action="append",
    ),
    FILMS,
    OFFLINE,
)
PICTURES = ("curve", "loss", "health", "choices", "phase", "value", "visits", "schedule", "observation")

LIST = (argument("filter", "words, all of which a line must hold (default: every line)", metavar="FILTER", nargs="*"),)
TRAIN = (
    argument("recipe", "a recipe's name, or dqn, pqn, bdq, pdqn, td; argmaxq list", metavar="RECIPE"),
    argument("--env", "another environment than the recipe's", metavar="ID"),
    argument("--from", "a run whose network this one begins with", metavar="RUN", dest="start_from"),
    argument("--from-checkpoint", "its best, last, or a step (best)", metavar="WHICH"),
    argument("--engine", "auto, compiled or host (%(default)s)", metavar="E", default="auto"),
    argument("--seed", "the first seed (%(default)s)", metavar="S", type=whole_number, default=0),
    argument("--seeds", "how many seeds (%(default)s)", metavar="N", type=whole_number, default=1),
    argument("--steps", "env steps, instead of the recipe's number", metavar="N"),
    argument("--out", "the run's folder, a new one (default: below runs)", metavar="DIR"),
    DEVICE,
    *TRACKED,
    quiet("run"),
)
CLUSTER = (
    argument("--ray", "train a study on this Ray cluster, or on one of this machine", metavar="ADDRESS|local"),
    argument("--slurm", "train a study by Slurm, a job for each group", action="store_true"),
)
STUDY = (
    argument("recipe", "recipes' names; other options are values of all of them, as in train", nargs="+"),
    argument("--vary", "values of an option; given twice, every combination", metavar="PATH=V1,V2", action="append"),
    argument("--engine", "auto, compiled or host (%(default)s)", metavar="E", default="auto"),
    argument("--seed", "the first seed (%(default)s)", metavar="S", type=whole_number, default=0),
    argument("--seeds", "how many seeds of each setting (%(default)s)", metavar="N", type=whole_number, default=1),
    argument("--steps", "env steps of each run, instead of the recipe's number", metavar="N"),
    argument("--out", "the study's folder, a new one (default: below runs)", metavar="DIR"),
    DEVICE,
    *CLUSTER,
    quiet("study"),
)
TUNE = (
    argument("recipe", "a recipe's name; other options are its values, as in train", metavar="RECIPE"),
    argument(
        "--over",
        "where to look for a value; given for each, with log on a logarithmic scale",
        metavar="PATH=low..high",
        action="append",
        nargs="+",
    ),
    argument("--trials", "how many values are tried (%(default)s)", metavar="N", type=whole_number, default=64),
    argument("--seeds", "seeds of each trial, from 1000 on (%(default)s)", metavar="N", type=whole_number, default=2),
    argument(
        "--reported", "fresh seeds of the best, from 0 on (%(default)s)", metavar="N", type=whole_number, default=10
    ),
    argument("--engine", "auto, compiled or host (%(default)s)", metavar="E", default="auto"),
    argument("--steps", "env steps of each run, instead of the recipe's number", metavar="N"),
    argument("--out", "the tuning's folder, a new one (default: below runs)", metavar="DIR"),
    quiet("tuning"),
)
ELSEWHERE = {
    **dict.fromkeys(("seed_count", "num_seeds", "n_seeds", "number_of_seeds", "num_runs", "repeats"), "seeds"),
    **dict.fromkeys(("random_seed", "rng_seed"), "seed"),
    **dict.fromkeys(("output", "output_dir", "logdir", "log_dir", "save_path", "save_dir", "run_dir", "folder"), "out"),
    **dict.fromkeys(("exp_name", "run_name", "name", "tensorboard_log", "log_folder"), "out"),
    **dict.fromkeys(("cuda", "gpu", "use_gpu", "no_cuda"), "device"),
    **dict.fromkeys(("wandb", "use_wandb", "logger", "log_to", "report_to", "tracker"), "track"),
    **dict.fromkeys(("verbose", "silent", "no_progress", "progress_bar"), "quiet"),
}
"""What other programs call the options of ``train`` that are no values of a recipe."""
RESUME = (
    argument("run", "the run's folder, or a study's or tuning's: what is missing of it is trained", metavar="RUN"),
    argument("--steps", "more env steps than it was to have", metavar="MORE", type=whole_number, default=0),
    DEVICE,
    *TRACKED,
    *CLUSTER,
    *TRUST,
    quiet("run"),
)
EVALUATE = (
    RUN,
    CHECKPOINT,
    argument("--episodes", "how many (%(default)s)", metavar="N", type=whole_number, default=100),
    EPISODE_SEED,
    argument("--exact", "compare with the exact solution instead, where there are tables", action="store_true"),
    argument("--json", "print JSON", action="store_true"),
    TRUST[0],
    argument("--env", "play on this environment; if it is the run's own, that it is trusted", metavar="ID"),
)
PLOT = (
    argument("run", "the run's folder; of several runs, the curves are compared", metavar="RUN", nargs="+"),
    argument("--what", f"{', '.join(PICTURES)} (%(default)s)", metavar="WHAT", default="curve"),
    argument("--out", "the picture, .png or .svg (default: in the run; of several, beside the first)", metavar="FILE"),
    argument("--entries", "which numbers of the observation, such as 2,3", metavar="I,J"),
    CHECKPOINT,
    *TRUST,
)
COMPARE = (
    argument("run", "the folders of runs, or studies, on one environment", metavar="RUN", nargs="+"),
    argument(
        "--score", "final or best evaluation, or training (default: final, if all have one)", metavar="S", default=""
    ),
    argument("--difference", "what difference to plan seeds for", metavar="D", type=float),
    argument("--threshold", "also say by which step half of the runs reach this return", metavar="R", type=float),
    argument("--format", "table, markdown, latex or json (%(default)s)", metavar="F", default="table"),
)
REPORT = (
    argument("run", "the folder of a run or study; several are compared on one page", metavar="RUN", nargs="+"),
    argument("--out", "the page, .html (default: page.html, in the run; of several, here)", metavar="FILE"),
    argument(
        "--play",
        "what is played for it: none, or some of film,episode,pictures,random (%(default)s)",
        metavar="WHAT",
        default="film,episode,pictures,random",
    ),
    argument("--follow", "write it anew every few seconds until the run is finished", action="store_true"),
    *TRUST,
)
WATCH = (
    RUN,
    argument("--video", "write a film instead, .mp4, .gif or .webp", metavar="FILE"),
    argument(
        "--show", "picture, or numbers beside it: step, return, values (%(default)s)", metavar="WHAT", default="picture"
    ),
    argument(
        "--checkpoint",
        "best, last, a step; several side by side with commas between, or all (%(default)s)",
        metavar="WHICH",
        default=BEST,
    ),
    argument("--seeds", "trained seeds side by side, with commas between, or all", metavar="SEEDS", default=""),
    argument("--episodes", "how many (%(default)s)", metavar="N", type=whole_number, default=1),
    EPISODE_SEED,
    *TRUST,
)
TRACK = (
    argument("run", "the folder of a run, or of a study: each run of it", metavar="RUN"),
    argument("--to", "wandb, tensorboard, mlflow, trackio, or a module:Class", metavar="TRACKER", required=True),
    FILMS,
    OFFLINE,
    *TRUST,
)
EXPORT = (
    RUN,
    argument("--to", "onnx, policy (a folder that needs NumPy alone) or hf", metavar="WHAT", required=True),
    argument("--out", "what is written, a new file or folder (default: below exports, in the run)", metavar="PATH"),
    CHECKPOINT,
    argument("--seed", "which of several seeds (default: the median one)", metavar="S", type=whole_number),
    argument(
        "--episodes", "how many judge it for the card of hf (%(default)s)", metavar="N", type=whole_number, default=100
    ),
    *TRUST,
)
CHECK = (
    argument("env", "an environment's id", metavar="ENV"),
    argument("--kwargs", "arguments for making it, a JSON object", metavar="JSON", default="{}"),
)
COMPLETION = (argument("shell", "bash, zsh, fish, tcsh or powershell", metavar="SHELL"),)
