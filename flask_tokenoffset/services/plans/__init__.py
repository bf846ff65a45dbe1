"""Plans as ledgers of adoptions, who pays, and monthly billing records."""
