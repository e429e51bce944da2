"""How good a direction is, on latents that no training used, judged by other networks."""
