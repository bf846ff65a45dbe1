"""The machinery of the JSON API: operations, idempotency keys, the OpenAPI document."""
