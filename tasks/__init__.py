"""Prefect tasks: open the lake, call pure code, write the lake."""
