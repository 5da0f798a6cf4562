"""argmaxq: value-based reinforcement learning, whole."""
