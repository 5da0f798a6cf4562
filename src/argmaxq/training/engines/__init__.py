"""What trains: one engine of XLA alone, one that steps any environment from Python."""
