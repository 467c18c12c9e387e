"""Home Assistant: the appliance as a device there, by MQTT. Knows nothing of the appliance."""
