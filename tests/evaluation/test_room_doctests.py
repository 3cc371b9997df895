"""Every worked example in the room's docstrings runs and holds."""

import doctest
import importlib
import pkgutil

import evaluation

MODULES = [module.name for module in pkgutil.walk_packages(evaluation.__path__, "evaluation.")]


def test_examples_of_the_docstrings_hold():
    tried = 0
    for name in MODULES:
        result = doctest.testmod(importlib.import_module(name))
        assert result.failed == 0, f"{name}: see the doctest's output"
        tried += result.attempted
    assert tried >= 10, "the worked examples are gone"
