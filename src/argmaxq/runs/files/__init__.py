"""Files of a run folder: read as data, written whole or in place, and checked by their shape."""
