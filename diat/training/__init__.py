"""The losses, the recipes and the loop that train T and D."""
