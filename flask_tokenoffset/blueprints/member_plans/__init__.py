"""Plans that members have in an organization: terms, single ones, many at once, totals."""
