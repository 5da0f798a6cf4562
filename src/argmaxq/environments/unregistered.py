"""What to write instead of an environment's id that nothing is registered under."""

from difflib import get_close_matches

import gymnasium as gym

ATARI = """
Adventure AirRaid Alien Amidar Assault Asterix Asteroids Atlantis BankHeist BattleZone BeamRider Berzerk Bowling
Boxing Breakout Carnival Centipede ChopperCommand CrazyClimber Defender DemonAttack DoubleDunk ElevatorAction Enduro
FishingDerby Freeway Frostbite Gopher Gravitar Hero IceHockey Jamesbond JourneyEscape Kangaroo Krull KungFuMaster
MontezumaRevenge MsPacman NameThisGame Phoenix Pitfall Pong Pooyan PrivateEye Qbert Riverraid RoadRunner Robotank
Seaquest Skiing Solaris SpaceInvaders StarGunner Tennis TimePilot Tutankham UpNDown Venture VideoPinball
WizardOfWor YarsRevenge Zaxxon
"""
VARIANTS = ("NoFrameskip", "Deterministic", "-ram")
"""What the ids of older versions add to a game's name."""


def advice(id: str, error: str) -> str:
    """The game, the nearest ids, or else what Gymnasium says and how an environment of a package is named."""
    module, _, name = id.rpartition(":")
    if (game := _game(name)) in ATARI.split() and not module:
        return f"Atari's games are named as ALE names them: did you mean ALE/{game}-v5?"
    latest = {_family(each): each for each in sorted(gym.registry)}
    if close := get_close_matches(_family(name), latest, n=3, cutoff=0.6):
        return f"did you mean {' or '.join(latest[each] for each in close)}?"
    return error if module else f"{error.rstrip('.')}; one of a package is named module:Id"


def _family(id: str) -> str:
    """``CartPole-v1`` -> ``CartPole``."""
    return id.rpartition("-v")[0] or id


def _game(name: str) -> str:
    """``PongNoFrameskip-v4`` -> ``Pong``."""
    family = _family(name).rpartition("/")[2]
    for variant in VARIANTS:
        family = family.removesuffix(variant)
    return family
