"""Films and live pictures: faces followed from frame to frame, and results steady over time."""
