"""Contract, sources, ingest, lake, windows: from a source's files to a log cut by days."""
