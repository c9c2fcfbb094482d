"""The common ground of Midfuse: what the trainer, the converter and the firmware tools share."""

__version__ = "0.1.0"
