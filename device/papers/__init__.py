"""Whose work is in an appliance, under which terms: notices for people, an SBOM for machines."""
