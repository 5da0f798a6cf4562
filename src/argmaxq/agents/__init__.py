"""The algorithms, and the parts they share."""

from argmaxq.agents.bdq import BDQ
from argmaxq.agents.critic_only import CriticOnly
from argmaxq.agents.dqn import DQN
from argmaxq.agents.paddpg import PADDPG
from argmaxq.agents.parts.acting import Acting, discrete
from argmaxq.agents.parts.deciding import Deciding
from argmaxq.agents.parts.hybrid import HybridActing, HybridAgent, hybrid
from argmaxq.agents.parts.recurrent import RecurrentActing
from argmaxq.agents.parts.replaying import Replaying
from argmaxq.agents.pdqn import PDQN
from argmaxq.agents.pqn import PQN
from argmaxq.agents.r2d2 import R2D2
from argmaxq.agents.recurrent_pqn import RecurrentPQN
from argmaxq.agents.td import TD

__all__ = [
    "BDQ",
    "DQN",
    "PADDPG",
    "PDQN",
    "PQN",
    "R2D2",
    "TD",
    "Acting",
    "CriticOnly",
    "Deciding",
    "HybridActing",
    "HybridAgent",
    "RecurrentActing",
    "RecurrentPQN",
    "Replaying",
    "discrete",
    "hybrid",
]
