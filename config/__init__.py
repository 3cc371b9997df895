"""Typed settings, one YAML a data set."""

from config.load import ConfigError, available, load_settings
from config.settings import Settings

__all__ = ["ConfigError", "Settings", "available", "load_settings"]
