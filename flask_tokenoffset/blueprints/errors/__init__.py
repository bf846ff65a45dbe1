"""What a request that fails gets, and the optional log of requests."""
