"""A run, or several, as one page: a file that needs no network, no server and, to be read, no script."""
