"""What sessions ask to be done, and the threads that do it."""
