"""Members of an organization, one's own membership, and handing ownership over."""
