"""`mooring dev`: one parent that starts, watches and stops everything on this machine.

Synchronous on purpose: one thread, one loop that looks at its children ten times a second. The
kernel ties Postgres to the thread that started it, and nothing here is in a hurry.
"""
