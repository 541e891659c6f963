"""The MQTT side: commands in, answers, state and pictures out, over paho."""
