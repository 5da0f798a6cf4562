"""Services that keep what became of runs, behind one small protocol, each in a file and an extra of its own."""
