"""Environments and components made for the tests: probes, odd ones, and ones with a mistake."""
