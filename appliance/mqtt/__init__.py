"""The MQTT side: receives commands, publishes responses, state and pictures, over paho."""
