"""Legal texts: every version for ever, and what changed between two of them."""
