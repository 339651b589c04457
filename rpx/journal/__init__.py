"""Output on disk: a file for each service, rotated, that outlives the run."""
