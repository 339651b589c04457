"""The door: one process for each user, which accepts for all projects and passes clients on.

It looks whom a client wants (Host, or the name in a TLS hello), and gives the connection itself to
the project that has the name (SCM_RIGHTS). From there on nothing is between the two. A project that
has joined is a *member*; a port at which a door listens is an *entrance*; a client that has come to
somebody else is *astray*.

Who says what, and when (door_frames.py has the form, messages.py what the JSON says):

    member                                       door
    ------                                       ----
    connect to door.sock; nobody there:
      take the lock, start a door (starting.py),
      connect again until it answers
    HELLO names, entrances, listeners  ------->  all of it, or nothing
                                       <-------  WELCOME and listeners, or REFUSED and why
    STATE, now and then                ------->
                                       <-------  OTHERS: who is not yours, though a wildcard says so
                                       <-------  TAKE a client
    ASTRAY a client, with what was read ------>  who has that name gets it, or the door answers
                                       <-------  ALONE: accept for yourself at these entrances
                                       <-------  HALT: no more (somebody has come)
    HALTED: I accept no more           ------->  now the door does
    HELLO with other names (a reload)  ------->  WELCOME, or REFUSED: all stays as it was
    LEAVE                              ------->  sends what is under way, then its end
    RETIRE: give way to another door   ------->
                                       <-------  MOVE to all: join the next, read here on

What holds:

- Members keep the listening sockets they get, and send them with HELLO to the next door. So a door
  may die at any time: those who wait are in the kernel's backlog. Whoever sees the end of its
  stream joins again: connect; nobody there, take the lock; not to be had, connect again.
- WELCOME from a door that a member has not talked to before means HALT for all entrances (without
  HALTED). Until then a member that was alone goes on accepting: nobody else does.
- MOVE brings the lock to who has said RETIRE with b"\\x01": that one starts the next door, as a
  newer rpx does; the others wait until it answers. After b"" whoever is first starts it.
- A door that finds members of its predecessor in the roster (roster.py) accepts nobody, and
  welcomes nobody else, before they are back or 2 s have passed.
- Unknown kinds are skipped, unknown keys ignored. Who sends what can't be read loses its connection
  and its names, and nothing else happens.
- A client of plain HTTP that asks for a name of nobody is given back as ASTRAY: the door answers
  with the machine's page, also while its member is alone. Only with TLS the member answers itself.
"""
