"""Published protocols and speed, side by side with peers."""
