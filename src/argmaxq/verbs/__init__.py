"""Runs, policies, and what is done with them."""
