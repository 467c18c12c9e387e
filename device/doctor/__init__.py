"""What an owner may want to know when something is wrong: checks with findings and advice."""
