"""Settings of a process, from its environment. Read in the composition root and the CLI only."""
