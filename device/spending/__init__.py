"""What the endpoints cost: tokens counted, priced, and kept day by day."""
