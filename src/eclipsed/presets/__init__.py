"""The ways to train a direction from a prompt, one file each, all handing `training` a Plan."""
