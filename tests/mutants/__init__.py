"""`make mutants`: each invariant of the design, the lines that uphold it, and what fails without.

`table` is the data; `python -m tests.mutants` takes each line away in a copy of the tree and runs
the tests that are named for it there: one of them has to fail.
"""
