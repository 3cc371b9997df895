"""Settings of the leak suite: what is refused, and why."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from config.leaks import LeakSettings

ENTRY = {"check": "alone", "feature": "price", "reason": "one price for all who buy"}


def test_a_reason_belongs_to_a_check_that_can_be_red() -> None:
    (entry,) = LeakSettings.model_validate({"allow": [ENTRY]}).allow
    assert entry.feature == "price"
    assert LeakSettings.model_validate({"allow": [{**ENTRY, "feature": ""}]}).allow


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"allow": [{**ENTRY, "check": "psi"}]}, "allow.0.check"),
        ({"allow": [{**ENTRY, "reason": "because"}]}, "at least 10 characters"),
        ({"allow": [{"check": "alone", "feature": "price"}]}, "reason"),
        ({"alone_red": 0.4}, "alone_red"),
        ({"alone_yellow": 0.97}, r"alone_yellow \(0.97\) is past alone_red \(0.95\)"),
        ({"dominance_red": 2}, r"dominance_yellow \(5.0\) is past"),
        ({"rows": 10}, "rows"),
        ({"limit": 1}, "limit"),
    ],
)
def test_what_cannot_be_meant_is_refused(bad: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        LeakSettings.model_validate(bad)
