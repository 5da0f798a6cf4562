"""The page of a study: what its settings come to, and what each varied value does."""
