"""Clients: the server, one connection, one session and what belongs to it."""
