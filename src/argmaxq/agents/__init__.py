"""The algorithms, and the parts they share."""
