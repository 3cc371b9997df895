"""The leak suite: every feature answers for itself."""
