"""Tables, claims, figures and the report, made from the runs' files."""
