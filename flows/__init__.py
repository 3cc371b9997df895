"""The order of the steps: Prefect flows and the ``zavtra`` command."""
