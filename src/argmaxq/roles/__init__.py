"""What an agent and each of its parts must be able to do: the roles under which components are registered."""

from argmaxq.roles.agent import Agent as Agent
from argmaxq.roles.agent import Gauge as Gauge
from argmaxq.roles.agent import Learner as Learner
from argmaxq.roles.learning import Bootstrap as Bootstrap
from argmaxq.roles.learning import Committed as Committed
from argmaxq.roles.learning import Exploration as Exploration
from argmaxq.roles.learning import ImplicitReturns as ImplicitReturns
from argmaxq.roles.learning import Optimiser as Optimiser
from argmaxq.roles.learning import OptimiserLike as OptimiserLike
from argmaxq.roles.learning import Returns as Returns
from argmaxq.roles.learning import Rewards as Rewards
from argmaxq.roles.learning import Schedule as Schedule
from argmaxq.roles.learning import Sync as Sync
from argmaxq.roles.learning import TargetFree as TargetFree
from argmaxq.roles.learning import Voting as Voting
from argmaxq.roles.network import CopyingNetwork as CopyingNetwork
from argmaxq.roles.network import Critic as Critic
from argmaxq.roles.network import ImplicitNetwork as ImplicitNetwork
from argmaxq.roles.network import MaximisableCritic as MaximisableCritic
from argmaxq.roles.network import Network as Network
from argmaxq.roles.network import NetworkLike as NetworkLike
from argmaxq.roles.network import RecurrentNetwork as RecurrentNetwork
from argmaxq.roles.network import heavy as heavy
from argmaxq.roles.replay import Replay as Replay
from argmaxq.roles.replay import SequenceReplay as SequenceReplay
from argmaxq.roles.replay import Storage as Storage
