"""Engines, the driver, evaluation, checkpoints, records."""
