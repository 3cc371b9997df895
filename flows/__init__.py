"""The order of the steps: Prefect flows and the ``zavtra`` command."""

import os
from time import perf_counter

# One BLAS thread everywhere: chunks of users already fill the cores, `implicit` asks for it, and
# results do not depend on how many tasks happen to run side by side. Must precede numpy.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Prefect's own server comes up within seconds, but not on a machine that is busy with other work.
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")

# Nobody but the user learns of a run: the temporary server would report to its makers.
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")

STARTED = perf_counter()
"""When this process began, for the time that a command says it took."""
