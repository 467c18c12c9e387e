"""The shells around the core: they carry out its effects and bring it what happened.

Nothing is decided here. Everything runs on one asyncio event loop; what other threads
have to tell (the speaker's, the listening thread's) is handed over to it.
"""
