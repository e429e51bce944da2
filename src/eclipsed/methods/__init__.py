"""The ways to find a direction, one file each, all with the signature of `method.Method.find`."""
