"""The privacy overview, and the check of promises in the live database."""
