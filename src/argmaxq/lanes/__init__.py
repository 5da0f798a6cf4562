"""What an engine steps: an environment's spaces as an agent sees them, and copies of it stepped together."""
