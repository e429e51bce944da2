"""What the program does when its surroundings fail: each fault injected, seen and written down."""
