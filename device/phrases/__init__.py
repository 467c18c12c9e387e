"""What the appliance says: phrases with slots, and one book of sentences for each language."""
