"""The algorithms, and the parts they share."""

from argmaxq.agents.acting import Acting, discrete
from argmaxq.agents.bdq import BDQ
from argmaxq.agents.critic_only import CriticOnly
from argmaxq.agents.dqn import DQN
from argmaxq.agents.hybrid import HybridActing, HybridAgent, hybrid
from argmaxq.agents.paddpg import PADDPG
from argmaxq.agents.pdqn import PDQN
from argmaxq.agents.pqn import PQN
from argmaxq.agents.replaying import Replaying
from argmaxq.agents.td import TD

__all__ = [
    "BDQ",
    "DQN",
    "PADDPG",
    "PDQN",
    "PQN",
    "TD",
    "Acting",
    "CriticOnly",
    "HybridActing",
    "HybridAgent",
    "Replaying",
    "discrete",
    "hybrid",
]
