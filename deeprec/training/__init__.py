"""The loop, a run's folder, the search."""
