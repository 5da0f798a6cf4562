"""What a run folder is made of."""
