"""Networks of other people's shapes, in int8: which there are, and which with int16 activations."""

ZOO = (
    "autoencoder",
    "ds_cnn",
    "mobilenet",
    "resnet8",
    "squeeze_excite",
    "tcn",
    "transformer",
    "unet",
)
# tensorflow has no int16 PRELU and HARD_SWISH, which others have; two more are convolutions again.
INT16 = ("autoencoder", "ds_cnn", "tcn", "transformer")
