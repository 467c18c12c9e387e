"""The Realtime protocol as data: requests and their check, settings of a session, sound formats."""
