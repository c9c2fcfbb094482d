"""TensorFlow Lite Micro as the runtime of an image, from a library that the user built.

The firmware around it is ours: the same start-up, server and protocol over its interpreter.
"""
