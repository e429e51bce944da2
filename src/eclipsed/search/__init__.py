"""Parts of methods: a pool of images, losses, the loop, calibration, realism, pre-flight."""
