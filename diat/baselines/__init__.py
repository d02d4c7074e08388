"""What the paper compares itself with: other methods' pictures of the same faces."""
