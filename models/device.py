"""Where trees are grown."""

from __future__ import annotations

from pathlib import Path


def gpu_present() -> bool:
    """Say whether CatBoost can train on a GPU; it is asked only where there is a driver."""
    if not Path("/dev/nvidiactl").exists():  # else it complains on stderr
        return False
    from catboost.utils import get_gpu_device_count

    return bool(get_gpu_device_count())
