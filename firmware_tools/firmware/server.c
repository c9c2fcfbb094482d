#include "server.h"

#include <string.h>

#include "board.h"
#include "bytes.h"

void mf_server_init(mf_server *server, const mf_model *model)
{
    memset(server, 0, sizeof *server);
    server->model = model;
    mf_decoder_init(&server->decoder, server->request, sizeof server->request);
}

/* An answer's header: sequence and session are the request's. */
static void put_header(uint8_t *body, uint8_t type, const uint8_t *request)
{
    memcpy(body, request, MF_AT_BOOT);
    body[MF_AT_TYPE] = type;
    body[MF_AT_TYPE + 1] = 0;
    put_u32(body + MF_AT_BOOT, board_boot());
}

/* Carries out a request and leaves its answer in `server->answer`. */
static void carry_out(mf_server *server, const uint8_t *request, uint32_t length)
{
    uint8_t type = request[MF_AT_TYPE] | MF_REPLY;
    uint8_t *answer = server->answer + MF_HEADER_BYTES;
    server->read_length = 0;
    int count = mf_request(server, request[MF_AT_TYPE], request + MF_HEADER_BYTES,
                           length - MF_HEADER_BYTES, answer);
    if (count < 0) {
        *answer = (uint8_t)-count;
        type = MF_ERROR;
        count = 1;
    }
    put_header(server->answer, type, request);
    server->answer_length = MF_HEADER_BYTES + (uint32_t)count;
}

/* Refuses a request without touching the session or the answer kept for a repetition. */
static void refuse(const uint8_t *request, int error)
{
    uint8_t body[MF_HEADER_BYTES + 1];
    put_header(body, MF_ERROR, request);
    body[MF_HEADER_BYTES] = (uint8_t)error;
    mf_frame_send(body, sizeof body, NULL, 0);
}

static void handle(mf_server *server, const uint8_t *request, uint32_t length)
{
    uint16_t sequence = get_u16(request + MF_AT_SEQUENCE);
    uint32_t session = get_u32(request + MF_AT_SESSION);
    bool opens = request[MF_AT_TYPE] == MF_OPEN;
    if (!server->open || session != server->session) {
        if (!opens) {
            refuse(request, MF_UNKNOWN_SESSION);
            return;
        }
        server->open = true;
        server->session = session;
        server->sequence = (uint16_t)(sequence - 1);
    } else if (!opens && get_u32(request + MF_AT_BOOT) != board_boot()) {
        /* A late OPEN can revive a session after a reset; what the host wrote before is gone. */
        refuse(request, MF_UNKNOWN_SESSION);
        return;
    }
    uint16_t ahead = (uint16_t)(sequence - server->sequence);
    if (ahead == 1) {
        server->sequence = sequence;
        carry_out(server, request, length);
    } else if (ahead >= 0x8000) {
        return; /* a late copy of a request whose answer the host has */
    } else if (ahead != 0) {
        refuse(request, MF_OUT_OF_SEQUENCE);
        return;
    }
    mf_frame_send(server->answer, server->answer_length, server->read, server->read_length);
}

bool mf_server_receive(void *context, uint8_t byte)
{
    mf_server *server = context;
    if (!mf_decode(&server->decoder, byte)) {
        return false;
    }
    /* An answer can only be an echo of our own. */
    if (server->decoder.length >= MF_HEADER_BYTES && server->request[MF_AT_TYPE] < MF_REPLY) {
        handle(server, server->request, server->decoder.length);
    }
    return true;
}
