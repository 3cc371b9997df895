"""Readers of the supported inputs, each giving the same raw tables."""
