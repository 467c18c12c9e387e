"""Benchmarks: what we promise, measured. Each module declares one command of ``bittern bench``."""
