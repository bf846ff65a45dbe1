"""Plans of an organization's members: terms, single and bulk changes, totals."""
