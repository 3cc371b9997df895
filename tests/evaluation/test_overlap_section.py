"""The section of overlaps draws both matrices with their numbers."""

import numpy as np

from evaluation.beyond import overlap_part
from evaluation.page.overlap_sections import overlap


def test_both_matrices_with_their_numbers():
    part = overlap_part({"als": np.array([[1, 2]]), "final": np.array([[2, 3]])}, k=2)
    (block,) = overlap({"overlap": part})
    same, order = block.charts
    assert "the first 2 places" in same.title
    assert [[cell.text for cell in row] for row in same.numbers.rows] == [
        ["als", "1.0000", "0.3333"],
        ["final", "0.3333", "1.0000"],
    ]
    assert order.svg.count("<svg") == 1
