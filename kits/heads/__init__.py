"""Building the heads world: the renderer of heads, and what is trained on its pictures."""
