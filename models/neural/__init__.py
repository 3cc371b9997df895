"""Neural candidate generators, in PyTorch."""
