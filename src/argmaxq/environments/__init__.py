"""Environments as engines see them: compiled, or lanes on the host."""
