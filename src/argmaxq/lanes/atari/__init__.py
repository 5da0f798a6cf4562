"""Atari's games: DeepMind's preprocessing of ALE's screens, the same for every backend."""
