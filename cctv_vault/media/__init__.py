"""Reading pictures nobody vouches for: everything that demuxes, decodes or encodes footage.

All of it happens in processes that are forked for one job, may not open a file or a socket, are
limited in memory and time, and are fed and emptied through one socket, so that plaintext never
touches a disk and a hostile file can spoil nothing but its own job. ``sandbox`` is the parent's
side; ``worker`` and what it imports run inside.
"""
