"""What to try next, by Optuna: many trials at once, from what earlier ones came to."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from argmaxq.components.errors import UserError
from argmaxq.tuning.ranges import Range

Values = dict[str, Any]
DRAWS = 8
"""So many are drawn for each that is asked for, at most, where many were drawn before."""


class Trial(NamedTuple):
    """Values by path, the mean return that they came to, and whether they were trained to the end."""

    values: Values
    score: float
    whole: bool


def asked(
    ranges: Mapping[str, Range], past: Sequence[Trial], number: int, count: int, first: Values | None
) -> list[Values]:
    """The values of round ``number``, which depend on nothing but the arguments.

    They are ``count`` that differ from each other and from the past, or fewer where so few are found.

    ``first`` is tried in the first round. The sampler is made anew with a seed for each round, since one that goes on
    would begin its random sequence again after an interruption.

    Raises:
        UserError: Optuna is not installed.
    """
    optuna = _optuna()
    sampler = optuna.samplers.TPESampler(seed=number, constant_liar=True)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    distributions = {path: _distribution(optuna, own) for path, own in ranges.items()}
    for trial in past:
        study.add_trial(_trial(optuna, trial, distributions))
    if first is not None and not past:
        study.enqueue_trial(first)
    known, found = [trial.values for trial in past], list[Values]()
    for _ in range(DRAWS * count):
        values = study.ask(distributions).params
        if values not in [*known, *found]:
            found.append(values)
        if len(found) == count:
            break
    return found


def _trial(optuna: Any, trial: Trial, distributions: Any) -> Any:
    """A past trial; one that was ended early has its score as an intermediate value."""
    state = optuna.trial.TrialState.COMPLETE if trial.whole else optuna.trial.TrialState.PRUNED
    score = {"value": trial.score} if trial.whole else {"intermediate_values": {1: trial.score}}
    return optuna.trial.create_trial(state=state, params=trial.values, distributions=distributions, **score)


def _distribution(optuna: Any, own: Range) -> Any:
    if own.choices:
        return optuna.distributions.CategoricalDistribution(own.choices)
    if own.whole:
        return optuna.distributions.IntDistribution(int(own.low), int(own.high), log=own.log)
    return optuna.distributions.FloatDistribution(own.low, own.high, log=own.log)


def _optuna() -> Any:
    try:
        import optuna
    except ImportError:
        raise UserError("tune needs Optuna, which is not installed: pip install 'argmaxq[tune]'") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
