"""The ground floor: files, scripts' shell, provenance, processes."""
