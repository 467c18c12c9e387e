"""The local endpoint: a Realtime server whose models live on the device."""
