#include "frame.h"

#include "board.h"
#include "bytes.h"
#include "protocol.h"

enum { HUNTING, INSIDE, ESCAPED };

uint32_t mf_crc32(uint32_t crc, const uint8_t *bytes, uint32_t count)
{
    /* A nibble at a time: 64 bytes of table, and still faster than the line. */
    static const uint32_t table[16] = {
        0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4,
        0x4DB26158, 0x5005713C, 0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C,
        0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C,
    };
    crc = ~crc;
    for (uint32_t i = 0; i < count; i++) {
        crc ^= bytes[i];
        crc = (crc >> 4) ^ table[crc & 15];
        crc = (crc >> 4) ^ table[crc & 15];
    }
    return ~crc;
}

void mf_decoder_init(mf_decoder *decoder, uint8_t *body, uint32_t capacity)
{
    decoder->body = body;
    decoder->capacity = capacity;
    decoder->filled = 0;
    decoder->length = 0;
    decoder->state = HUNTING;
}

/* A flag ends the frame before it and begins the next. */
static bool end_of_frame(mf_decoder *decoder)
{
    uint32_t length = decoder->filled;
    uint8_t state = decoder->state;
    decoder->state = INSIDE;
    decoder->filled = 0;
    if (state != INSIDE || length < MF_CRC_BYTES) {
        return false;
    }
    length -= MF_CRC_BYTES;
    if (mf_crc32(0, decoder->body, length) != get_u32(decoder->body + length)) {
        return false;
    }
    decoder->length = length;
    return true;
}

bool mf_decode(mf_decoder *decoder, uint8_t byte)
{
    if (byte == MF_FLAG) {
        return end_of_frame(decoder);
    }
    if (decoder->state == HUNTING) {
        return false;
    }
    if (decoder->state == ESCAPED) {
        byte ^= MF_ESCAPE_XOR;
        if (byte != MF_FLAG && byte != MF_ESCAPE) {
            decoder->state = HUNTING;
            return false;
        }
        decoder->state = INSIDE;
    } else if (byte == MF_ESCAPE) {
        decoder->state = ESCAPED;
        return false;
    }
    if (decoder->filled == decoder->capacity) {
        decoder->state = HUNTING;
        return false;
    }
    decoder->body[decoder->filled++] = byte;
    return false;
}

/* Escapes through a small buffer, so that a board that pays for each write pays seldom. */
typedef struct {
    uint8_t bytes[64];
    uint32_t count;
} outbox;

static void emit(outbox *out, uint8_t byte)
{
    if (out->count == sizeof out->bytes) {
        board_write(out->bytes, out->count);
        out->count = 0;
    }
    out->bytes[out->count++] = byte;
}

static void emit_escaped(outbox *out, const uint8_t *bytes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (bytes[i] == MF_FLAG || bytes[i] == MF_ESCAPE) {
            emit(out, MF_ESCAPE);
            emit(out, bytes[i] ^ MF_ESCAPE_XOR);
        } else {
            emit(out, bytes[i]);
        }
    }
}

void mf_frame_send(const uint8_t *head, uint32_t head_length, const uint8_t *tail,
                   uint32_t tail_length)
{
    outbox out = {.count = 0};
    uint8_t check[MF_CRC_BYTES];
    put_u32(check, mf_crc32(mf_crc32(0, head, head_length), tail, tail_length));
    emit(&out, MF_FLAG);
    emit_escaped(&out, head, head_length);
    emit_escaped(&out, tail, tail_length);
    emit_escaped(&out, check, sizeof check);
    emit(&out, MF_FLAG);
    board_write(out.bytes, out.count);
}
