/* Frames on the wire: 7E, the escaped body and its CRC-32, 7E. See PROTOCOL.md. */
#ifndef MF_FRAME_H
#define MF_FRAME_H

#include <stdbool.h>
#include <stdint.h>

/* Collects one frame. `body` has room for `capacity` bytes, CRC included. */
typedef struct {
    uint8_t *body;
    uint32_t capacity;
    uint32_t filled; /* of the frame that is coming in */
    uint32_t length; /* of the frame that mf_decode has just completed, CRC taken off */
    uint8_t state;
} mf_decoder;

/* CRC-32 (IEEE 802.3, reflected, the one of zlib) of bytes that follow those of `crc`; begin
 * with 0. */
uint32_t mf_crc32(uint32_t crc, const uint8_t *bytes, uint32_t count);

void mf_decoder_init(mf_decoder *decoder, uint8_t *body, uint32_t capacity);

/* Takes one byte from the line. True when it ended an undamaged frame: then `body` holds `length`
 * bytes until the next call. Whatever is damaged is dropped without a word. */
bool mf_decode(mf_decoder *decoder, uint8_t byte);

/* Sends a body in two parts as one frame through board_write. */
void mf_frame_send(const uint8_t *head, uint32_t head_length, const uint8_t *tail,
                   uint32_t tail_length);

#endif
