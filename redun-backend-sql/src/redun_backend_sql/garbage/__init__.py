"""Collecting garbage: what nothing kept refers to, found without a lock, removed some thousand rows at a time.

What makes it safe while others use the repository:

- An execution that runs has its row before it looks anything up. While one does, a call is first *retired*: no look-up
  finds it, everything else is as before. It is removed when each such execution has written what it had found before
  that, and if none of their jobs names it by then. Who makes the same call again takes it back.
- Before each part is removed, under the lock that whoever writes holds, everything that was recorded since the search
  is followed, and keeps what it names. Calls go before those that they name, and calls before values, so that the
  repository is whole after every transaction.
- Every transaction counts up `COLLECTION`, which whoever writes looks at first, and then forgets the numbers of rows
  that it remembers. Numbers are never given out twice.
- What belongs to no execution may be part of a copy that has not ended: it has to have been there since the time of an
  earlier collection that is further back than the grace period.
"""
