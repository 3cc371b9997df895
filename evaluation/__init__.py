"""Accuracy and beyond-accuracy metrics, candidate report, HTML report."""
