"""The registry: bundles, versions, the champion."""
