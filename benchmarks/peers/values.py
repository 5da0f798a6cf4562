"""The values that every library is given alike."""

CARTPOLE = {
    "environment": "CartPole-v1",
    "steps": 50_000,
    "hidden": (64, 64),
    "learning_rate": 2.3e-3,
    "batch": 64,
    "replay": 100_000,
    "warm_up": 1_000,
    "gamma": 0.99,
    "steps_per_burst": 256,
    "updates_per_burst": 128,
    "final_epsilon": 0.04,
    "exploration_fraction": 0.16,
    "gradient_norm": 10.0,
}
"""RL Baselines3 Zoo's DQN values, with a smaller network and one target synchronisation per burst of updates."""

LUNARLANDER = {
    "environment": "LunarLander-v3",
    "hidden": (64, 64),
    "learning_rate": 1e-3,
    "batch": 64,
    "replay": 100_000,
    "gamma": 0.995,
    "steps_per_update": 4,
    "tau": 1e-3,
    "epsilon_decay": 0.995,
    "final_epsilon": 0.01,
}
"""A DQN of university courses: epsilon decays per episode, the target network follows each update by ``tau``."""

PIXELS = {"replay": 2_000, "batch": 32, "learning_rate": 1e-4, "gamma": 0.99}
"""DQN on pictures 84 x 84 x 4: an update costs what it costs however large the replay is."""

BREAKOUT = {
    "lanes": 8,
    "learning_rate": 1e-4,
    "batch": 32,
    "replay": 20_000,
    "warm_up": 2_000,
    "gamma": 0.99,
    "steps_per_update": 4,
    "target_period": 10_000,
    "final_epsilon": 0.1,
}
"""DQN of Mnih et al. (2015) with Adam, eight games and a replay that fits any machine."""

BREAKOUT_PQN = {
    "lanes": 128,
    "rollout": 32,
    "epochs": 2,
    "minibatches": 32,
    "learning_rate": 2.5e-4,
    "gamma": 0.99,
    "trace_decay": 0.65,
    "gradient_norm": 10.0,
}
"""PQN of Gallici et al. (2025)."""
