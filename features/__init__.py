"""Leak-free daily features: catalog, state, as-of tables, join."""
