"""Feeding trackers from run folders alone, while a run is trained or afterwards."""
