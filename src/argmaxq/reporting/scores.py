"""Which of a run's returns are to be seen first."""

from collections.abc import Sequence

import numpy as np


def evaluations_lead(trained: Sequence[float], evaluated: Sequence[float]) -> bool:
    """Whether evaluations say more than training does: the last ones are better than what explores to the end.

    Medians are compared, of the seeds' last training returns and last evaluations, if over half of them have one.
    """
    return 2 * len(evaluated) > len(trained) > 0 and float(np.median(evaluated)) > float(np.median(trained))
