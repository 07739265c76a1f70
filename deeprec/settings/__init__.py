"""What can be set, each thing written once: type, range, unit, description, default. Nothing here needs torch."""
