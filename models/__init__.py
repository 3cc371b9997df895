"""Candidate generators, their union, and the ranker."""
