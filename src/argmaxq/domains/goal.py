"""Score a goal past a keeper, with hybrid actions that run until they are done: Goal and Hard Goal."""

import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from gymnasium.experimental.functional import FuncEnv
from gymnasium.spaces import Box, Discrete, Tuple

from argmaxq.domains import goal_features, soccer
from argmaxq.domains.loops import each_lane_for_itself
from argmaxq.domains.soccer import HALF_GOAL, Scene
from argmaxq.types import Array

if TYPE_CHECKING:
    import pygame

KICK_TO, SHOOT_LEFT, SHOOT_RIGHT = 0, 1, 2
KICK_LOW, KICK_HIGH = np.array([0, -15], np.float32), np.array([40, 15], np.float32)
MAX_MICRO_STEPS = 2000
"""Far more than any action takes; a loop over what is not a number ends at once."""
WATCHED = 400
"""Micro-steps of one action that can be watched: more than nearly all take."""


class GoalState(NamedTuple):
    """The pitch, actions so far, and micro-steps of the last one."""

    scene: Scene
    time: Array
    micro_steps: Array


class Goal(FuncEnv[GoalState, Array, Any, Array, Array, None, None]):
    """An attacker starts with the ball on the halfway line; an episode ends with a goal (50) or a lost ball.

    An action is ``(index, (kick-to, shoot-left, shoot-right))``: kick the ball to a place [2] and run after it until it
    is at rest within reach, or shoot at a height [1] of the goal line and go on until the episode ends. A ball that is
    caught or leaves the pitch costs its distance from the goal, and so does the hundredth action, which does nothing.

    Modes:
        legacy: Faithful to the reference implementation that published results used, faults included: kick-to
            ignores its second parameter and uses the first for both axes; both shots aim anywhere in the goal and
            so are one action; the distance from the goal is wrong behind the goal line on one side; orientations
            are not wrapped. By default these are mended: shoot-left aims at the left half (y > 0), shoot-right at
            the right.
        features: The observation is the 17 scaled features of published results instead of the unscaled state [14];
            see ``goal_features``.
        noise: Scales all noise; 0 switches it off.

    Source: Masson, Ranchod and Konidaris (2016), "Reinforcement learning with parameterized actions"; see ``soccer``.
    """

    action_names: tuple[str, ...] = ("kick to", "shoot left", "shoot right")
    max_actions = 100
    success_reward = 50.0
    render_fps = 60

    def __init__(self, legacy: bool = False, features: bool = False, noise: float = 1.0) -> None:
        super().__init__()
        self.legacy, self.features, self.noise = legacy, features, noise
        self.observation_space = goal_features.FEATURE_SPACE if features else goal_features.STATE_SPACE
        self.observation_names = goal_features.FEATURE_NAMES if features else goal_features.STATE_NAMES
        self.observation_ranges = goal_features.feature_ranges(legacy) if features else ()
        self.aims = self.shots()
        boxes = [Box(KICK_LOW, KICK_HIGH), *(Box(low, high, (1,), np.float32) for low, high in self.aims)]
        self.action_space = Tuple([Discrete(len(boxes)), Tuple(boxes)])

    def shots(self) -> list[tuple[float, float]]:
        """Between which heights each shooting action aims."""
        return [(-HALF_GOAL, HALF_GOAL)] * 2 if self.legacy else [(0.0, HALF_GOAL), (-HALF_GOAL, 0.0)]

    def initial(self, rng: Array, params: None = None) -> GoalState:
        """Kick-off anywhere on the halfway line."""
        y = jax.random.uniform(rng, (), jnp.float32, -soccer.HALF_WIDTH, soccer.HALF_WIDTH)
        return GoalState(soccer.kick_off(y), jnp.int32(0), jnp.int32(0))

    def transition(self, state: GoalState, action: Any, rng: Array, params: None = None) -> GoalState:
        """Micro-steps until the action is done or the episode ends."""
        time = state.time + 1
        seed = jax.random.bits(rng, (), jnp.uint32)
        play = each_lane_for_itself(self.play)
        scene, count = play(state.scene, self.target(action), action[0] != KICK_TO, seed, time < self.max_actions)
        return GoalState(scene, time, count)

    def play(self, scene: Scene, target: Array, shooting: Array, seed: Array, begins: Array) -> tuple[Scene, Array]:
        """Micro-steps towards ``target`` until done, if it ``begins`` at all, and how many they are."""

        def running(carry: tuple[Scene, Array, Array]) -> Array:
            return carry[2]

        def step(carry: tuple[Scene, Array, Array]) -> tuple[Scene, Array, Array]:
            scene, count, _ = carry
            scene = self.micro_step(scene, target, seed, count)
            count += 1
            return scene, count, ~self.done(scene, shooting) & (count < MAX_MICRO_STEPS)

        scene, count, _ = jax.lax.while_loop(running, step, (scene, jnp.int32(0), begins))
        return scene, count

    def micro_step(self, scene: Scene, target: Array, seed: Array, count: Array) -> Scene:
        """Micro-step number ``count`` of an action, of which ``seed`` (uint32) gives all noise."""
        scene = soccer.micro_step(scene, target, self.noise * soccer.uniform_noise(seed, count, 6))
        if self.legacy:
            return scene
        wrapped = soccer.wrap(scene.player.orientation)
        return scene._replace(player=scene.player._replace(orientation=wrapped))

    def target(self, action: Any) -> Array:
        """Where the ball shall go [2]; parameters beyond their bounds are clipped."""
        index, (kick, *shots) = action
        kick = jnp.clip(kick, KICK_LOW, KICK_HIGH)
        if self.legacy:
            kick = kick[jnp.array([0, 0])]
        low, high = np.array(self.aims, np.float32).T
        height = jnp.clip(jnp.concatenate(shots), low, high)[jnp.maximum(index - 1, 0)]
        behind = jnp.float32(soccer.LENGTH + soccer.BALL.radius)
        return jnp.where(index == KICK_TO, kick, jnp.stack([behind, height]))

    def done(self, scene: Scene, shooting: Array) -> Array:
        """Whether an action is done: the episode has ended, or a kick-to has its ball at rest within reach."""
        resting = soccer.length(scene.ball.velocity) <= 0.1
        ended = soccer.in_net(scene.ball) | soccer.lost(scene)
        return ended | (~shooting & resting & soccer.kickable(scene.player, scene.ball))

    def observation(self, state: GoalState, rng: Array, params: None = None) -> Array:
        """The state [14], or the features [17]."""
        if self.features:
            return goal_features.features(state.scene, self.legacy)
        return goal_features.state_vector(state.scene)

    def reward(self, state: GoalState, action: Any, next_state: GoalState, rng: Array, params: None = None) -> Array:
        """50 for a goal, minus the ball's distance from the goal for any other end, otherwise 0."""
        distance = soccer.goal_distance(next_state.scene.ball, self.legacy)
        missed = jnp.where(self.terminal(next_state, rng, params), -distance, 0)
        return jnp.where(soccer.in_net(next_state.scene.ball), self.success_reward, missed)

    def terminal(self, state: GoalState, rng: Array, params: None = None) -> Array:
        """Whether there is a goal, the ball is lost, or it is too late."""
        return soccer.in_net(state.scene.ball) | soccer.lost(state.scene) | (state.time >= self.max_actions)

    def transition_info(
        self, state: GoalState, action: Any, next_state: GoalState, params: None = None
    ) -> dict[str, Array]:
        """``success``: whether it is a goal; ``micro_steps``: how long the action took."""
        return {"success": soccer.in_net(next_state.scene.ball), "micro_steps": next_state.micro_steps}

    def picture(self, state: GoalState) -> "pygame.Surface":
        """The pitch from above."""
        from argmaxq.domains.drawings import goal

        return goal.picture(state.scene)

    def moments(self, state: GoalState, action: Any, rng: Array) -> tuple[GoalState, Array]:
        """The state after each micro-step of an action [400], and how many of them there are, at most 400."""
        target, shooting = self.target(action), action[0] != KICK_TO
        seed, time = jax.random.bits(rng, (), jnp.uint32), state.time + 1

        def step(scene: Scene, count: Array) -> tuple[Scene, tuple[GoalState, Array]]:
            moved = self.micro_step(scene, target, seed, count)
            return moved, (GoalState(moved, time, count + 1), self.done(moved, shooting))

        _, (states, done) = jax.lax.scan(step, state.scene, jnp.arange(WATCHED))
        count = jnp.where(done.any(), jnp.argmax(done) + 1, WATCHED)
        return states, jnp.where(time < self.max_actions, count, 0)


class HardGoal(Goal):
    """Goal with ten shooting actions, each for a fifth of the goal: shoot-left's five, then shoot-right's, in rising y.

    In legacy mode both fives divide the whole goal and so are the same. (The reference's third bin is a single point,
    by a slip; it is as wide as the others here.)

    Source: Li et al. (2022), "HyAR: addressing discrete-continuous action reinforcement learning via hybrid action
    representation".
    """

    action_names = ("kick to", *(f"shoot {side} {part}" for side in ("left", "right") for part in range(1, 6)))

    def shots(self) -> list[tuple[float, float]]:
        """A fifth of each of Goal's shots."""
        edges = [np.linspace(low, high, 6).tolist() for low, high in super().shots()]
        return [pair for line in edges for pair in itertools.pairwise(line)]
