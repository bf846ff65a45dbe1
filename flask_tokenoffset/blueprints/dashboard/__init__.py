"""The dashboard: the first page of all."""
