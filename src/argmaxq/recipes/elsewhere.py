"""What fields of a recipe are called in other libraries: CleanRL, Stable-Baselines3, RLlib, Dopamine and papers."""

_LEARNING_RATE = ("agent.optimiser.learning_rate", "agent.step_size.alpha", "agent.step_size")
_CAPACITY = ("agent.replay.capacity",)
_HIDDEN = ("agent.network.hidden", "agent.critic.hidden", "agent.network")
_INPUTS = ("agent.network.inputs", "agent.critic.inputs")
_PERIOD, _TAU = ("agent.sync.period",), ("agent.sync.tau",)
_EPSILON = "agent.exploration.epsilon"
_UPDATES = ("agent.updates", "agent.epochs")

ELSEWHERE: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("lr", "learning_rate", "alpha", "step_size", "q_lr"), _LEARNING_RATE),
    **dict.fromkeys(("anneal_lr", "lr_schedule", "lr_decay", "learning_rate_schedule"), ("agent.optimiser.annealing",)),
    **dict.fromkeys(("discount", "discount_factor", "gamma"), ("agent.gamma",)),
    **dict.fromkeys(("buffer_size", "replay_size", "replay_capacity", "memory_size", "replay_buffer_size"), _CAPACITY),
    **dict.fromkeys(("replay_buffer", "replay_buffer_class", "buffer", "per", "prioritized_replay"), ("agent.replay",)),
    **dict.fromkeys(("prioritized_replay_alpha", "per_alpha"), ("agent.replay.alpha",)),
    **dict.fromkeys(("prioritized_replay_beta", "per_beta"), ("agent.replay.beta",)),
    **dict.fromkeys(("batch_size", "minibatch_size", "train_batch_size", "batch"), ("agent.batch_size",)),
    **dict.fromkeys(("min_replay_history", "warmup", "warmup_steps", "fill_buffer"), ("agent.learning_starts",)),
    **dict.fromkeys(
        ("train_freq", "train_frequency", "update_period", "rollout_length", "num_steps"), ("agent.rollout",)
    ),
    **dict.fromkeys(("gradient_steps", "num_updates", "updates_per_step", "utd_ratio"), _UPDATES),
    **dict.fromkeys(("num_epochs", "update_epochs", "n_epochs"), ("agent.epochs",)),
    **dict.fromkeys(("num_minibatches", "n_minibatches"), ("agent.minibatches",)),
    **dict.fromkeys(
        ("q_lambda", "gae_lambda", "td_lambda", "lambda"), ("agent.trace_decay", "agent.traces.trace_decay")
    ),
    **dict.fromkeys(("keep_checkpoints", "max_to_keep", "num_to_keep", "save_freq"), ("evaluation.keep",)),
    **dict.fromkeys(("n_steps", "update_horizon", "multi_step"), ("agent.n_step",)),
    **dict.fromkeys(("target_update_interval", "target_network_frequency", "target_update_freq"), _PERIOD),
    **dict.fromkeys(("target_update_period", "target_update_frequency", "sync_period"), _PERIOD),
    **dict.fromkeys(("tau", "polyak", "polyak_factor", "soft_update"), _TAU),
    **dict.fromkeys(("target_network", "target_update"), ("agent.sync",)),
    **dict.fromkeys(("epsilon", "eps"), (_EPSILON,)),
    **dict.fromkeys(("exploration_fraction", "eps_decay", "epsilon_decay"), (f"{_EPSILON}.duration", _EPSILON)),
    **dict.fromkeys(("start_e", "eps_start", "epsilon_start", "exploration_initial_eps"), (f"{_EPSILON}.start",)),
    **dict.fromkeys(("end_e", "eps_end", "epsilon_end", "exploration_final_eps"), (f"{_EPSILON}.end",)),
    **dict.fromkeys(("epsilon_train", "epsilon_min"), (f"{_EPSILON}.end", _EPSILON)),
    **dict.fromkeys(("max_grad_norm", "grad_clip", "gradient_clip"), ("agent.optimiser.max_grad_norm",)),
    **dict.fromkeys(("optimizer", "optimizer_class", "optim"), ("agent.optimiser",)),
    **dict.fromkeys(("double", "double_q", "ddqn"), ("agent.bootstrap", "agent.backup")),
    **dict.fromkeys(("dueling", "duelling"), ("agent.network.head",)),
    **dict.fromkeys(("net_arch", "hidden_sizes", "hidden_layers", "hidden_dim", "policy_kwargs"), _HIDDEN),
    **dict.fromkeys(("policy", "model", "net"), ("agent.network", "agent.critic")),
    **dict.fromkeys(("reward_scaling", "clip_rewards", "reward_clip", "normalize_reward"), ("agent.rewards",)),
    **dict.fromkeys(("normalize_observations", "normalize_obs", "norm_obs"), _INPUTS),
    **dict.fromkeys(("ema", "ema_decay", "weight_averaging"), ("agent.average.tau", "agent.average")),
    **dict.fromkeys(
        ("total_timesteps", "total_steps", "timesteps", "num_timesteps", "max_steps", "n_timesteps"), ("steps",)
    ),
    **dict.fromkeys(("num_frames", "frames", "num_env_steps", "num_iterations"), ("steps",)),
    **dict.fromkeys(("env_id", "env_name", "environment", "task"), ("env.id",)),
    **dict.fromkeys(("env_kwargs", "env_config"), ("env.kwargs",)),
    **dict.fromkeys(
        ("num_envs", "n_envs", "num_env", "num_workers", "num_lanes", "num_rollout_workers"), ("env.lanes",)
    ),
    **dict.fromkeys(("max_episode_steps", "max_episode_length", "time_limit"), ("env.time_limit",)),
    **dict.fromkeys(("eval_freq", "eval_frequency", "eval_every", "eval_interval"), ("evaluation.every",)),
    **dict.fromkeys(("n_eval_episodes", "eval_episodes", "num_eval_episodes"), ("evaluation.episodes",)),
    **dict.fromkeys(("save_freq", "save_every", "checkpoint_freq"), ("checkpoint_every",)),
}
"""A name -> where its value stands in a recipe, the likeliest path first."""
