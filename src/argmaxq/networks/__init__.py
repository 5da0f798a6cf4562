"""Networks and critics, their inputs, heads and features."""

from argmaxq.networks.convolutional.network import Convolutional
from argmaxq.networks.critics import Ensemble, MultiPass, SinglePass
from argmaxq.networks.interpolated import Interpolated
from argmaxq.networks.linear import Linear, Table
from argmaxq.networks.mlp import MLP
from argmaxq.networks.own import EquinoxNetwork, FlaxNetwork, FunctionNetwork, NnxNetwork
from argmaxq.networks.quadratic import Quadratic
from argmaxq.networks.recurrent import GRU, LSTM, Recurrent
from argmaxq.networks.scaled import Scaled
from argmaxq.networks.sparse import SparseMLP

__all__ = [
    "GRU",
    "LSTM",
    "MLP",
    "Convolutional",
    "Ensemble",
    "EquinoxNetwork",
    "FlaxNetwork",
    "FunctionNetwork",
    "Interpolated",
    "Linear",
    "MultiPass",
    "NnxNetwork",
    "Quadratic",
    "Recurrent",
    "Scaled",
    "SinglePass",
    "SparseMLP",
    "Table",
]
