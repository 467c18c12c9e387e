"""Timers, alarms and reminders: kept, and rung on time, by nothing but this machine."""
