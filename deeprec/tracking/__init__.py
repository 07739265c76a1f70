"""MLflow: the run that trains now, and the mirror of all that is done."""
