"""The camera thread, and what it does between the camera and the frame slot."""
