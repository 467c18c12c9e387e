"""Triggers and near misses, kept at home for whoever agreed to that, and looked through later."""
