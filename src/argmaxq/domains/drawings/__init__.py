"""Pictures of the domains, drawn from their states."""
