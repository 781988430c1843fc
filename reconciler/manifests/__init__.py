"""What Mooring writes to a cluster, as plain dicts with deterministic names. Pure; no I/O."""
