"""`mooring orphans`: objects that no row knows, and rows whose objects are not there."""
