"""What a network keeps ready of its parameters while an agent learns; see ``roles.CopyingNetwork``."""

from collections.abc import Callable
from typing import Any

from argmaxq.roles import CopyingNetwork
from argmaxq.types import Prepared, PyTree


def ready(agent: Any, learner: Any) -> Any:
    """The learner with copies of online and target parameters, where its network keeps any and it has room for them."""
    network = getattr(agent, "network", None)
    if not (isinstance(network, CopyingNetwork) and hasattr(learner, "copies")):
        return learner
    return learner._replace(copies=tuple(map(network.copies, (learner.params, learner.target))))


def at_hand(network: Any, params: PyTree) -> Callable[[PyTree], PyTree]:
    """What hands a network parameters together with copies of ``params``, which they equal, where it keeps any."""
    copies = network.copies(params) if isinstance(network, CopyingNetwork) else {}
    return lambda own: Prepared(own, copies) if copies else own


def unready(learner: Any) -> Any:
    """The learner without copies, as it is kept."""
    return learner._replace(copies=()) if hasattr(learner, "copies") else learner


def prepared(learner: Any, params: PyTree) -> tuple[PyTree, PyTree]:
    """Online and target parameters as the network is given them, with their copies where there are any."""
    if not learner.copies:
        return params, learner.target
    online, target = learner.copies
    return Prepared(params, online), Prepared(learner.target, target)
