"""The page of a day, and the one over all days."""
