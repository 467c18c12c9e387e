"""The operating system's side: readiness, watchdog, journal, credentials, control."""
