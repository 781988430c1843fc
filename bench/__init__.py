"""`make bench`: how quick Mooring is, measured on its real processes; see README.md beside this.

Nobody imports it. It starts `mooring dev` as the acceptance tests do, puts load on it from this
process, and takes what it knows of the inside (URLs, keys, roles) from ready.json.
"""
