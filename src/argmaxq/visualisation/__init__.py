"""A trained agent, seen: films, and pictures of its policy and values."""
