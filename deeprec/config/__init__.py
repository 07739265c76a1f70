"""The plan: what config.yaml says, checked, and what each job is told of it."""
