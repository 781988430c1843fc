"""What an update of many rows of `resource` says although it moves no status.

Postgres (seen on 18.6, not tried on others) reads and parses the expression of a generated column
again for each row of an UPDATE that touches none of its inputs, only to find that it need not be
computed: 12 µs a row, as much as the update itself. One that touches an input parses it once and
computes it in 0.2 µs. So such statements write one input as it is. All else is as it was: the value
is the same, an update stays HOT, and the status what it would be. Only for the reconciler, whose
column it is, and for whoever may be asked for many rows at once.
"""

# Of a row that the statement calls `r`.
UNMOVED = "was_ready = r.was_ready"
