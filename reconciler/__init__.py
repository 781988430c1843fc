"""The reconciler: a process that claims due resources, observes, plans, acts and records.

Imports go one way: `__main__ > loop | watch > recorder | sandboxes > removal | resources > leases |
plan > cluster | observed > manifests`.
Of the control plane it sees `app.domain`, `app.db`, `app.secrets`, `app.settings` and what every
process does at its start (`app.logs`, `app.parent`).
"""
