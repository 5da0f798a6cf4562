"""Studies: a grid of settings times seeds, trained side by side and kept as runs."""
