"""Sutton and Barto, 2nd ed., figures 12.6 and 12.8: traces on a random walk of 19 states, TD(lambda) two ways.

On the left accumulating traces, on the right dutch ones with the true online update, which are the online
lambda-returns exactly. You should see that a lambda in between does best, that both agree for small step sizes,
and that for large ones accumulating traces blow up where true online learning does not.
"""

import numpy as np
from drawing import draw_lines, finish, new_figure, place
from experiments import constant, long_walk_errors

from argmaxq.agents.td import TD
from argmaxq.learning.exploration import Greedy
from argmaxq.learning.td.traces import Accumulating, Dutch

RUNS, LAMBDAS = 50, (0.0, 0.4, 0.8, 0.9, 0.95, 0.99)
ALPHAS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


def errors(kind: type) -> np.ndarray:
    """Average error, [lambdas, alphas]."""
    pairs = [(kind(decay), constant(alpha)) for decay in LAMBDAS for alpha in ALPHAS]
    agents = [TD(exploration=Greedy(), step_size=size, traces=traces, gamma=1.0) for traces, size in pairs]
    return long_walk_errors(agents, RUNS).reshape(len(LAMBDAS), len(ALPHAS))


if __name__ == "__main__":
    out, figure, least = place(__file__, __doc__), new_figure(11), {}
    found = {"TD(lambda), accumulating traces": errors(Accumulating), "true online TD(lambda)": errors(Dutch)}
    for axes, (name, curves) in zip(figure.subplots(1, 2, sharey=True), found.items(), strict=True):
        named = {f"lambda = {decay:g}": (np.array(ALPHAS), curve) for decay, curve in zip(LAMBDAS, curves, strict=True)}
        draw_lines(axes, named, "alpha", "average RMS error over\n19 states and first 10 episodes", name)
        axes.set_ylim(0.22, 0.55)
        least[name] = dict(zip(LAMBDAS, np.nanmin(curves, axis=1), strict=True))
        print(f"{name}: least error", ", ".join(f"{error:.3f} (lambda {d:g})" for d, error in least[name].items()))
    figure.axes[0].get_legend().remove()
    finish(figure, out)

    for of in least.values():
        assert min(of, key=of.get) in (0.8, 0.9)
        assert of[0.8] < 0.9 * min(of[0.0], of[0.99])
    accumulating, true_online = found.values()
    np.testing.assert_allclose(accumulating[0], true_online[0], atol=1e-5)  # lambda 0: no trace, so the same
    assert not (accumulating[2:, -1] < 0.55).any()  # alpha 1: far away, or not even a number
    assert (true_online[:5, -1] < 0.55).all()
