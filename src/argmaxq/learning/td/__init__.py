"""Formulas of agents that learn from each row as it comes: traces, step sizes, backups."""
