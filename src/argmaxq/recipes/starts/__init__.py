"""Recipes for an environment of one's own, made of what it is."""
