"""Formulas and agents."""
