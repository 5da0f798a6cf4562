"""Replay: time-ordered rows, uniform or prioritised."""
