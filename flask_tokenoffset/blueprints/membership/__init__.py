"""One's own membership of an organization."""
