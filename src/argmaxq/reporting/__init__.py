"""What is drawn, filmed and printed of a run."""
