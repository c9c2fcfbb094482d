/* The board's end of the protocol: takes bytes, answers requests. See PROTOCOL.md. */
#ifndef MF_SERVER_H
#define MF_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "board_config.h"
#include "frame.h"
#include "mf_model.h"
#include "protocol.h"

/* The largest request is a WRITE: index u16, offset u32, bytes. The largest answers kept here are
 * the identity and a tensor's description; what a READ answers stays in the tensor. */
enum {
    MF_REQUEST_BYTES = MF_HEADER_BYTES + 6 + MF_WRITE_BYTES,
    MF_ANSWER_BYTES = MF_HEADER_BYTES + 128
};

/* Of the image that this is; see image_id.c. */
extern const uint8_t mf_image_id[MF_IMAGE_ID_BYTES];

typedef struct {
    const mf_model *model;
    uint32_t session;
    uint16_t sequence; /* of the last request that was carried out */
    bool open;         /* there is a session */
    bool answered;     /* the outputs belong to the inputs written last */
    uint32_t written;  /* input bytes since the last inference */
    /* What the last request got, kept for a repetition: `answer`, then `read`, which points into
     * a tensor. Only a WRITE or an INVOKE could change that, and either has an answer of its own. */
    uint8_t answer[MF_ANSWER_BYTES];
    uint32_t answer_length;
    const uint8_t *read;
    uint32_t read_length;
    uint8_t request[MF_REQUEST_BYTES + MF_CRC_BYTES];
    mf_decoder decoder;
} mf_server;

void mf_server_init(mf_server *server, const mf_model *model);

/* Takes one byte from the line for an mf_server; answers through board_write when the byte
 * completes a request. True when it completed an undamaged frame. */
bool mf_server_receive(void *context, uint8_t byte);

/* Carries out a request of that type: gets its payload, writes the answer's payload to `answer`,
 * and returns its length, or an error code with a minus before it. See requests.c. */
int mf_request(mf_server *server, uint8_t type, const uint8_t *payload, uint32_t length,
               uint8_t *answer);

#endif
