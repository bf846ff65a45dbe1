"""Background work: queues, the jobs they carry, the worker and the schedule."""
