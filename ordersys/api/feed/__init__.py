"""The live feed: what happens to orders, told to everybody who looks on, over server-sent events.

::

    order.created, order.status.changed ──▶ reader ──▶ window ──▶ hub ──▶ a stream for each client
                              (one in a process,   (2 to 4 frames   │
                               in no group)         a second)      ring: what a client that
                                                                    comes back has missed

A frame is encoded once and shared by all streams. Its id is a place in the log (the offset to read next in
each partition), so that a client that comes back, also to another process, is told what it has missed.
"""
