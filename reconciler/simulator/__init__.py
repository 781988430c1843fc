"""A Kubernetes API server with its controllers, for `mooring dev` and tests: no pod really runs.

It is a process of its own (`python -m reconciler.simulator`): it imports nothing of ours and
nothing of ours imports it, so the reconciler meets it only over HTTP, as it would a real cluster.
docs/simulator.md says what is true of it and what is not. From the outside in: `routes` speak
HTTP, `verbs` are what can be done to an object, `admission`, `defaults` and `validation` judge it,
`ownership` and `merge` are server-side apply, `store` keeps it, `journal` on disk, `watch` tells,
and `controllers` do what Kubernetes' own would.
"""
