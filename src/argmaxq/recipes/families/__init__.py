"""The named recipes, one file per environment family."""
