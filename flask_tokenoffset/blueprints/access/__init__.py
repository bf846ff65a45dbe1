"""Who may do what before a view runs: current user, permission, CSRF, age, acceptance."""
