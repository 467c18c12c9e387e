"""The wire: the Realtime protocol's events, its two dialects, and links to endpoints."""
