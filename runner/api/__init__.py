"""The HTTP interface: what programs ask of a server, and the pages that people look at."""
