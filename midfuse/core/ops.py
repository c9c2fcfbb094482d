"""One record per op: all that reader, converter, quantiser, compiler, checks and docs know of it.

Who adds an op begins here; the contract test (tests/midfuse/core/test_op_contract.py) lists what
else it needs. `docs/ops.md` is this table as a page.
"""

from dataclasses import dataclass, field

INT8 = "int8"
INT16 = "int16"
# What TFLM moves without looking at it, by op.
_ALL = (INT8, INT16, "int32", "float32")
_NO_INT32 = (INT8, INT16, "float32")
_BOTH = (INT8, INT16)

# ONNX ops that several TFLite ops stand for.
_LINEAR = ("Conv", "ConvTranspose", "Einsum", "Gemm", "MatMul")
_MEAN = ("AveragePool", "GlobalAveragePool", "ReduceMean")
_RESHAPE = ("Flatten", "Reshape", "Squeeze", "Unsqueeze")

_ACTIVATION = ("fused_activation_function",)
_KEEP = ("keep_dims",)
_WINDOW = ("padding", "stride_w", "stride_h")
_POOL = (*_WINDOW, "filter_width", "filter_height", *_ACTIVATION)
_DILATION = ("dilation_w_factor", "dilation_h_factor")


@dataclass(frozen=True)
class Options:
    """The schema's table of an op's options, and those of its fields that are read, snake_case."""

    table: str
    fields: tuple[str, ...]


@dataclass(frozen=True)
class Grid:
    """The scale and zero point that TFLM's int8 kernel writes with, whatever the values span."""

    scale: float
    zero_point: int

    @property
    def span(self) -> tuple[float, float]:
        """The real numbers of the first and the last code."""
        return (-128 - self.zero_point) * self.scale, (127 - self.zero_point) * self.scale

    def __str__(self) -> str:
        return f"scale 1/{round(1 / self.scale)}, zero point {self.zero_point}"


@dataclass(frozen=True)
class OpRecord:
    """One TFLite op.

    `types` are those it is supported on. One type stands for an op that takes and gives it; a pair
    for one that takes the first and gives the second. They are those of the first input that is an
    activation, at position `data`, and of the outputs; the compiler checks the rest, such as
    weights and axes. `limit` is a limit worth stating, in words.

    - `options`: what is read of the op's options.
    - `one_scale`: it has no arithmetic in which to change the scale, so that what it reads and
      writes shares one.
    - `grid`: the grid that TFLM fixes for its int8 output.
    - `steep`: it can turn a small step of its input into a large one of its output; all other ops
      lose signal only where large inputs cancel.
    - `saturates`: it has ends, beyond which all values are one code.
    - `homogeneous`: it treats every channel alike and by itself: f(a x) = a f(x) for a > 0.
    - `channel_axis`: of the weights, input 1, the axis of the output channels.
    - `onnx`: the ONNX ops that it stands for in the first place.
    - `quantised_as`: an op on as many tensors that ai-edge-quantizer scales in the same way, where
      it does not know this one.
    """

    name: str
    types: tuple[str | tuple[str, str], ...] = (INT8,)
    limit: str = ""
    data: int = 0
    options: Options | None = None
    one_scale: bool = False
    grid: Grid | None = None
    steep: bool = False
    saturates: bool = False
    homogeneous: bool = False
    channel_axis: int | None = None
    onnx: tuple[str, ...] = field(default=())
    quantised_as: str = ""

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Every (input, output) type."""
        return [(entry, entry) if isinstance(entry, str) else entry for entry in self.types]

    @property
    def forms(self) -> list[str]:
        """Every (input, output) type in words: `int8`, `int8 to float32`."""
        return [taken if taken == given else f"{taken} to {given}" for taken, given in self.pairs]


_ONE_SCALE = "input on the output's scale"
_ONE_SCALE_OF_BOTH = "both inputs on the output's scale"

OPS = {
    record.name: record
    for record in (
        OpRecord("ABS", _BOTH, quantised_as="RELU"),
        OpRecord(
            "ADD",
            _BOTH,
            options=Options("AddOptions", _ACTIVATION),
            # The last of the ops that a normalisation is opened up into.
            onnx=("Add", "LayerNormalization", "Sum"),
        ),
        OpRecord("ARG_MAX", ((INT8, "int32"), ("float32", "int32"))),
        OpRecord(
            "AVERAGE_POOL_2D",
            _BOTH,
            _ONE_SCALE,
            options=Options("Pool2DOptions", _POOL),
            one_scale=True,
            homogeneous=True,
            onnx=_MEAN,
        ),
        OpRecord(
            "BATCH_MATMUL",
            _BOTH,
            options=Options("BatchMatMulOptions", ("adj_x", "adj_y")),
            onnx=_LINEAR,
        ),
        OpRecord(
            "CONCATENATION",
            _ALL,
            "all inputs on the output's scale",
            options=Options("ConcatenationOptions", ("axis", *_ACTIVATION)),
            one_scale=True,
            onnx=("Concat",),
        ),
        OpRecord(
            "CONV_2D",
            _BOTH,
            options=Options("Conv2DOptions", (*_WINDOW, *_DILATION, *_ACTIVATION)),
            channel_axis=0,
            onnx=_LINEAR,
        ),
        OpRecord(
            "DEPTHWISE_CONV_2D",
            _BOTH,
            options=Options(
                "DepthwiseConv2DOptions",
                (*_WINDOW, "depth_multiplier", *_DILATION, *_ACTIVATION),
            ),
            channel_axis=3,
            onnx=_LINEAR,
        ),
        OpRecord("DEQUANTIZE", ((INT8, "float32"), (INT16, "float32"))),
        OpRecord("DIV", options=Options("DivOptions", _ACTIVATION), steep=True, onnx=("Div",)),
        OpRecord("EXPAND_DIMS", _NO_INT32, one_scale=True, onnx=_RESHAPE, quantised_as="RESHAPE"),
        OpRecord(
            "FULLY_CONNECTED",
            _BOTH,
            options=Options(
                "FullyConnectedOptions", ("weights_format", "keep_num_dims", *_ACTIVATION)
            ),
            channel_axis=0,
            onnx=_LINEAR,
        ),
        OpRecord(
            "GATHER",
            (INT8, "float32"),
            "int32 positions, constant or not; one out of range takes the nearest (TFLM stops)",
            options=Options("GatherOptions", ("axis", "batch_dims")),
            one_scale=True,
            onnx=("Gather",),
        ),
        OpRecord("HARD_SWISH", steep=True, onnx=("HardSwish",)),
        OpRecord(
            "LEAKY_RELU",
            _BOTH,
            options=Options("LeakyReluOptions", ("alpha",)),
            homogeneous=True,
            onnx=("LeakyRelu",),
            quantised_as="RELU",
        ),
        OpRecord(
            "LOGISTIC",
            _BOTH,
            grid=Grid(1 / 256, -128),
            steep=True,
            saturates=True,
            onnx=("Sigmoid",),
        ),
        OpRecord("MAXIMUM", _BOTH, _ONE_SCALE_OF_BOTH, one_scale=True, onnx=("Max",)),
        OpRecord(
            "MAX_POOL_2D",
            _BOTH,
            _ONE_SCALE,
            options=Options("Pool2DOptions", _POOL),
            one_scale=True,
            homogeneous=True,
            onnx=("MaxPool", "GlobalMaxPool"),
        ),
        OpRecord("MEAN", _BOTH, options=Options("ReducerOptions", _KEEP), onnx=_MEAN),
        OpRecord(
            "MINIMUM",
            _BOTH,
            _ONE_SCALE_OF_BOTH,
            one_scale=True,
            onnx=("Min",),
            quantised_as="MAXIMUM",
        ),
        OpRecord("MUL", _BOTH, options=Options("MulOptions", _ACTIVATION), onnx=("Div", "Mul")),
        OpRecord("PACK", _ALL, options=Options("PackOptions", ("axis",)), one_scale=True),
        OpRecord("PAD", _ALL, one_scale=True, onnx=("Pad",)),
        OpRecord(
            "PADV2",
            _ALL,
            "a constant value on the output's scale",
            one_scale=True,
            onnx=("Pad",),
        ),
        OpRecord("PRELU", onnx=("PRelu",), quantised_as="MUL"),
        OpRecord(
            "QUANTIZE",
            (
                *(INT8, INT16),
                *((INT8, INT16), (INT8, "int32"), (INT16, INT8), (INT16, "int32")),
                *(("int32", INT8), ("int32", INT16), ("float32", INT8), ("float32", INT16)),
            ),
            "NaN and floats beyond int32 on the output's scale count as INT32_MIN, as on x86",
        ),
        OpRecord(
            "REDUCE_MAX",
            limit=_ONE_SCALE,
            options=Options("ReducerOptions", _KEEP),
            one_scale=True,
            onnx=("GlobalMaxPool", "ReduceMax"),
            quantised_as="REDUCE_MIN",
        ),
        OpRecord("RELU", _BOTH, homogeneous=True, onnx=("Relu",)),
        OpRecord(
            "RELU6",
            _BOTH,
            _ONE_SCALE,
            one_scale=True,
            onnx=("Clip",),
            quantised_as="RESHAPE",
        ),
        OpRecord("RESHAPE", _ALL, one_scale=True, homogeneous=True, onnx=_RESHAPE),
        OpRecord("RSQRT", _BOTH, "below zero what zero gives (TFLM stops)", steep=True),
        OpRecord("SLICE", _ALL, one_scale=True, onnx=("Slice", "Split")),
        OpRecord(
            "SOFTMAX",
            _BOTH,
            options=Options("SoftmaxOptions", ("beta",)),
            grid=Grid(1 / 256, -128),
            steep=True,
            onnx=("Softmax",),
        ),
        OpRecord("SPLIT", _ALL, data=1, one_scale=True, onnx=("Split",)),
        OpRecord("SPLIT_V", _ALL, one_scale=True, onnx=("Split",), quantised_as="UNPACK"),
        OpRecord("SQUARED_DIFFERENCE", _BOTH),
        OpRecord("SQUEEZE", _ALL, one_scale=True, onnx=_RESHAPE, quantised_as="RESHAPE"),
        OpRecord(
            "STRIDED_SLICE",
            _ALL,
            options=Options(
                "StridedSliceOptions",
                (
                    *("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask"),
                    *("shrink_axis_mask", "offset"),
                ),
            ),
            one_scale=True,
            onnx=("Gather", "Slice", "Split"),
        ),
        OpRecord("SUB", _BOTH, options=Options("SubOptions", _ACTIVATION), onnx=("Sub",)),
        OpRecord("SUM", _BOTH, options=Options("ReducerOptions", _KEEP), onnx=("ReduceSum",)),
        OpRecord("TANH", _BOTH, grid=Grid(1 / 128, 0), steep=True, saturates=True, onnx=("Tanh",)),
        OpRecord("TRANSPOSE", _NO_INT32, one_scale=True, onnx=("Transpose",)),
        OpRecord(
            "TRANSPOSE_CONV",
            _BOTH,
            data=2,
            options=Options("TransposeConvOptions", (*_WINDOW, *_ACTIVATION)),
            channel_axis=0,
            onnx=_LINEAR,
        ),
        OpRecord(
            "UNPACK",
            _ALL,
            options=Options("UnpackOptions", ("axis",)),
            one_scale=True,
            onnx=("Gather", "Split"),
        ),
    )
}
