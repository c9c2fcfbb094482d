/* The words of the serial protocol; PROTOCOL.md beside this folder says what they mean.
 *
 * firmware_tools/link/protocol.py holds the same words for the host. Tests read all three and fail
 * where they differ. */
#ifndef MF_PROTOCOL_H
#define MF_PROTOCOL_H

enum {
    MF_PROTOCOL_VERSION = 2,

    MF_FLAG = 0x7E,
    MF_ESCAPE = 0x7D,
    MF_ESCAPE_XOR = 0x20,
    MF_CRC_BYTES = 4,

    /* Header: type u8, reserved u8, sequence u16, session u32, boot u32; little-endian. */
    MF_AT_TYPE = 0,
    MF_AT_SEQUENCE = 2,
    MF_AT_SESSION = 4,
    MF_AT_BOOT = 8,
    MF_HEADER_BYTES = 12,

    MF_IMAGE_ID_BYTES = 16,

    /* Requests; the answer's type is the request's with MF_REPLY set. */
    MF_OPEN = 0x01,
    MF_INFO = 0x02,
    MF_WRITE = 0x03,
    MF_INVOKE = 0x04,
    MF_READ = 0x05,
    MF_PROFILE = 0x06,
    MF_REPLY = 0x80,
    MF_ERROR = 0xFF,

    /* Kinds of tensor, in INFO and READ. */
    MF_KIND_INPUT = 0,
    MF_KIND_OUTPUT = 1,
    MF_KIND_TENSOR = 2,

    /* Types of tensor: those of the .tflite's schema. */
    MF_DTYPE_FLOAT32 = 0,
    MF_DTYPE_INT32 = 2,
    MF_DTYPE_INT16 = 7,
    MF_DTYPE_INT8 = 9,

    /* What an ERROR says. */
    MF_OK = 0,
    MF_UNKNOWN_SESSION = 1,
    MF_OUT_OF_SEQUENCE = 2,
    MF_UNKNOWN_TYPE = 3,
    MF_BAD_LENGTH = 4,
    MF_NO_SUCH_TENSOR = 5,
    MF_OUT_OF_RANGE = 6,
    MF_NOT_READY = 7
};

#endif
