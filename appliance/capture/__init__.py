"""The camera thread, and everything that runs on it between the camera and the slot of frames."""
