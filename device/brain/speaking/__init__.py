"""From an answer to sound: what is written becomes what is said."""
