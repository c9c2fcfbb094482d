#include "server.h"

#include <string.h>

#include "board.h"
#include "bytes.h"
#include "inference.h"

/* The identity is 76 bytes and two names with a length byte each (sizeof counts a final 0). */
typedef char identity_fits[76 + sizeof MF_BOARD_NAME + sizeof MF_FIRMWARE_VERSION <=
                                   MF_ANSWER_BYTES - MF_HEADER_BYTES
                               ? 1
                               : -1];

void mf_server_init(mf_server *server, const mf_model *model)
{
    memset(server, 0, sizeof *server);
    server->model = model;
    mf_decoder_init(&server->decoder, server->request, sizeof server->request);
}

static void put_header(uint8_t *body, uint8_t type, uint16_t sequence, uint32_t session)
{
    body[MF_AT_TYPE] = type;
    body[MF_AT_TYPE + 1] = 0;
    put_u16(body + MF_AT_SEQUENCE, sequence);
    put_u32(body + MF_AT_SESSION, session);
    put_u32(body + MF_AT_BOOT, board_boot());
}

static uint8_t *put_text(uint8_t *at, const char *text)
{
    size_t length = strlen(text);
    *at++ = (uint8_t)length;
    memcpy(at, text, length);
    return at + length;
}

static const mf_tensor *find(const mf_model *model, uint8_t kind, uint16_t index)
{
    switch (kind) {
    case MF_KIND_INPUT:
        return index < model->input_count ? &model->inputs[index] : NULL;
    case MF_KIND_OUTPUT:
        return index < model->output_count ? &model->outputs[index] : NULL;
    case MF_KIND_TENSOR:
        return index < model->tensor_count ? &model->tensors[index] : NULL;
    default:
        return NULL;
    }
}

/* Each handler below gets a request's payload and writes its answer's payload; it returns an
 * error code, and sets `*end` behind what it wrote. */

static int open_session(mf_server *server, uint8_t **end)
{
    const mf_model *model = server->model;
    uint8_t *at = *end;
    server->written = 0;
    server->answered = false;
    put_u16(at, MF_PROTOCOL_VERSION);
    put_u16(at + 2, model->input_count);
    put_u16(at + 4, model->output_count);
    put_u16(at + 6, model->tensor_count);
    put_u16(at + 8, model->op_count);
    put_u16(at + 10, MF_WRITE_BYTES);
    put_u16(at + 12, MF_READ_BYTES);
    put_u16(at + 14, 1); /* requests the host may have under way */
    put_u32(at + 16, model->arena_bytes);
    put_u32(at + 20, MF_CLOCK_HZ);
    put_u32(at + 24, MF_TICKS_PER_SECOND);
    memcpy(at + 28, model->sha256, sizeof model->sha256);
    memcpy(at + 60, mf_image_id, sizeof mf_image_id);
    at = put_text(at + 76, MF_BOARD_NAME);
    *end = put_text(at, MF_FIRMWARE_VERSION);
    return MF_OK;
}

static int info(mf_server *server, const uint8_t *payload, uint32_t length, uint8_t **end)
{
    if (length != 3) {
        return MF_BAD_LENGTH;
    }
    const mf_tensor *tensor = find(server->model, payload[0], get_u16(payload + 1));
    if (tensor == NULL) {
        return MF_NO_SUCH_TENSOR;
    }
    uint8_t *at = *end;
    uint32_t scale;
    memcpy(&scale, &tensor->scale, sizeof scale);
    at[0] = tensor->dtype;
    at[1] = tensor->rank;
    put_u16(at + 2, tensor->tflite_index);
    put_u32(at + 4, tensor->bytes);
    put_u32(at + 8, scale);
    put_u32(at + 12, (uint32_t)tensor->zero_point);
    at += 16;
    for (uint8_t i = 0; i < tensor->rank; i++, at += 4) {
        put_u32(at, tensor->dims[i]);
    }
    size_t room = (size_t)(server->answer + MF_ANSWER_BYTES - at);
    size_t name = strlen(tensor->name);
    if (name > room) {
        name = room;
    }
    memcpy(at, tensor->name, name);
    *end = at + name;
    return MF_OK;
}

static int write_input(mf_server *server, const uint8_t *payload, uint32_t length)
{
    if (length < 6) {
        return MF_BAD_LENGTH;
    }
    const mf_tensor *tensor = find(server->model, MF_KIND_INPUT, get_u16(payload));
    uint32_t offset = get_u32(payload + 2);
    uint32_t count = length - 6;
    if (tensor == NULL) {
        return MF_NO_SUCH_TENSOR;
    }
    if (offset > tensor->bytes || count > tensor->bytes - offset) {
        return MF_OUT_OF_RANGE;
    }
    memcpy((uint8_t *)tensor->data + offset, payload + 6, count);
    server->written += count;
    server->answered = false;
    return MF_OK;
}

/* An inference may use up its inputs, so each needs them anew. */
static bool inputs_written(const mf_server *server)
{
    const mf_model *model = server->model;
    uint32_t wanted = 0;
    for (uint16_t i = 0; i < model->input_count; i++) {
        wanted += model->inputs[i].bytes;
    }
    return server->written == wanted;
}

static int invoke(mf_server *server, uint32_t length, uint8_t **end)
{
    if (length != 0) {
        return MF_BAD_LENGTH;
    }
    if (!inputs_written(server)) {
        return MF_NOT_READY;
    }
    board_ticks_start();
    mf_inference_run(server->model);
    uint64_t ticks = board_ticks();
    server->written = 0;
    server->answered = true;
    put_u32(*end, (uint32_t)ticks);
    put_u32(*end + 4, (uint32_t)(ticks >> 32));
    put_u32(*end + 8, board_stack_bytes());
    *end += 12;
    return MF_OK;
}

/* Where a profile puts the steps' ticks: straight into the answer, so it needs no RAM of its own. */
typedef struct {
    uint8_t *at;
    const uint8_t *end;
    uint16_t passed_over; /* steps before the first that was asked for, still to come */
} profile_answer;

static void put_step(void *context, uint32_t ticks)
{
    profile_answer *answer = context;
    if (answer->passed_over > 0) {
        answer->passed_over--;
    } else if (answer->end - answer->at >= 4) {
        put_u32(answer->at, ticks);
        answer->at += 4;
    }
}

static int profile(mf_server *server, const uint8_t *payload, uint32_t length, uint8_t **end)
{
    if (length != 2) {
        return MF_BAD_LENGTH;
    }
    uint16_t first = get_u16(payload);
    if (first > server->model->op_count) {
        return MF_OUT_OF_RANGE;
    }
    if (!inputs_written(server)) {
        return MF_NOT_READY;
    }
    board_ticks_start();
    /* Two readings with nothing between them: the counter's own cost, for the host to take off. */
    uint64_t before = board_ticks();
    uint64_t after = board_ticks();
    put_u32(*end, (uint32_t)(after - before));
    profile_answer answer = {*end + 4, server->answer + MF_ANSWER_BYTES, first};
    mf_inference_profile(server->model, put_step, &answer);
    server->written = 0;
    server->answered = true;
    *end = answer.at;
    return MF_OK;
}

static int read_tensor(mf_server *server, const uint8_t *payload, uint32_t length, uint8_t **end)
{
    if (length != 9) {
        return MF_BAD_LENGTH;
    }
    const mf_tensor *tensor = find(server->model, payload[0], get_u16(payload + 1));
    uint32_t offset = get_u32(payload + 3);
    uint32_t count = get_u16(payload + 7);
    if (tensor == NULL) {
        return MF_NO_SUCH_TENSOR;
    }
    if (count > MF_READ_BYTES || offset > tensor->bytes || count > tensor->bytes - offset) {
        return MF_OUT_OF_RANGE;
    }
    if (!server->answered) {
        return MF_NOT_READY;
    }
    put_u32(*end, offset);
    *end += 4;
    server->read = (const uint8_t *)tensor->data + offset;
    server->read_length = count;
    return MF_OK;
}

/* Carries out a request and leaves its answer in `server->answer`. */
static void carry_out(mf_server *server, const uint8_t *request, uint32_t length)
{
    uint8_t type = request[MF_AT_TYPE];
    const uint8_t *payload = request + MF_HEADER_BYTES;
    uint8_t *end = server->answer + MF_HEADER_BYTES;
    int error;
    length -= MF_HEADER_BYTES;
    server->read_length = 0;
    switch (type) {
    case MF_OPEN:
        error = open_session(server, &end);
        break;
    case MF_INFO:
        error = info(server, payload, length, &end);
        break;
    case MF_WRITE:
        error = write_input(server, payload, length);
        break;
    case MF_INVOKE:
        error = invoke(server, length, &end);
        break;
    case MF_PROFILE:
        error = profile(server, payload, length, &end);
        break;
    case MF_READ:
        error = read_tensor(server, payload, length, &end);
        break;
    default:
        error = MF_UNKNOWN_TYPE;
    }
    if (error != MF_OK) {
        *end++ = (uint8_t)error;
    }
    put_header(server->answer, error == MF_OK ? type | MF_REPLY : MF_ERROR, server->sequence,
               server->session);
    server->answer_length = (uint32_t)(end - server->answer);
}

/* Refuses a request without touching the session or the answer kept for a repetition. */
static void refuse(const uint8_t *request, int error)
{
    uint8_t body[MF_HEADER_BYTES + 1];
    put_header(body, MF_ERROR, get_u16(request + MF_AT_SEQUENCE),
               get_u32(request + MF_AT_SESSION));
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

void mf_server_receive(mf_server *server, uint8_t byte)
{
    if (!mf_decode(&server->decoder, byte) || server->decoder.length < MF_HEADER_BYTES) {
        return;
    }
    /* An answer can only be an echo of our own. */
    if (server->request[MF_AT_TYPE] < MF_REPLY) {
        handle(server, server->request, server->decoder.length);
    }
}
