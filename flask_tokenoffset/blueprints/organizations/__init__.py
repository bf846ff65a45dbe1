"""Organizations: a person's own list of them, and an organization's settings."""
