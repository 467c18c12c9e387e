"""What every room of the brain stands on: the abilities as protocols, cancelling, memory."""
