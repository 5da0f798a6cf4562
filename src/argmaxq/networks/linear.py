"""Action values that are linear in features; a table is the case in which one feature is 1 and all others are 0."""

import jax
import jax.numpy as jnp
import numpy as np

from argmaxq.components.annotations import NonNegative, Number
from argmaxq.components.component import component
from argmaxq.components.errors import UserError
from argmaxq.networks.features import Active, Bins, Features, Indicator, Tiles
from argmaxq.roles import Network
from argmaxq.types import Array, PyTree


class _Linear:
    """Q(s, a) = w . phi(s, a), with weights [features, actions, size], or [features, 1, size] where all share them."""

    def _features(self) -> Features:
        raise NotImplementedError

    def active(self, obs: Array) -> Active:
        """The features of one observation [n] that are not 0, [k]."""
        return self._features()(obs)

    def __call__(self, params: PyTree, obs: Array, key: jax.Array | None = None) -> Array:
        """Outputs [actions, size] for one observation [n]."""
        index, value = self.active(obs)
        outputs = jnp.sum(value[:, jnp.newaxis, jnp.newaxis] * params["weights"][index], axis=0)
        return outputs * self._signs() if self._features().signs else outputs

    def moved(self, params: PyTree, obs: Array, action: Array, step: Array) -> PyTree:
        """``params`` + ``step`` [] * the gradient of Q(obs, action): only weights of active features are touched."""
        index, value = self.active(obs)
        if self._features().signs:
            value, action = value * self._signs()[action, 0], jnp.int32(0)
        return {"weights": params["weights"].at[index, action, 0].add(step * value)}

    def _signs(self) -> Array:
        return jnp.array(self._features().signs)[:, jnp.newaxis]

    def _weights(self, outputs: tuple[int, int]) -> tuple[int, int, int]:
        actions, size = outputs
        return self._features().count, 1 if self._features().signs else actions, size


@component(Network)
class Table(_Linear):
    """A number for each cell and action.

    Attributes:
        cells: Which cell an observation belongs to: a Discrete one's own number, or that of its bin in a grid.
        initial: What all values are at first.

    Examples:
        >>> table = Table(Indicator(categories=3), initial=0.5)
        >>> params = table.init(jax.random.key(0), jnp.int32(0), (2, 1))
        >>> params["weights"].shape
        (3, 2, 1)
        >>> table(params, jnp.int32(1)).tolist()
        [[0.5], [0.5]]
    """

    cells: Features = Indicator()
    initial: Number = 0.0

    def check(self) -> None:
        """Look whether the features are cells.

        Raises:
            UserError: they are others: those belong to a linear network.
        """
        if not isinstance(self.cells, Indicator | Bins):
            raise UserError("a table's cells are indicator or bins; other features belong to a linear network")

    def _features(self) -> Features:
        return self.cells

    def init(self, key: jax.Array, obs: Array, outputs: tuple[int, int]) -> PyTree:
        """A table [cells, actions, size] filled with the initial value."""
        return {"weights": jnp.full(self._weights(outputs), self.initial, jnp.float32)}


@component(Network)
class Linear(_Linear):
    """Weights times features.

    Attributes:
        features: Of an observation.
        spread: Standard deviation of the initial weights, which are normal; 0 for all 0.
    """

    features: Features = Tiles()
    spread: NonNegative = 0.0

    def _features(self) -> Features:
        return self.features

    def init(self, key: jax.Array, obs: Array, outputs: tuple[int, int]) -> PyTree:
        """Weights [features, actions, size]."""
        shape = self._weights(outputs)
        return {"weights": self.spread * jax.random.normal(key, shape, np.float32)}
