"""Other libraries on the same splits, run in an environment of their own."""
