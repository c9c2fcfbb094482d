/* What a host may ask of the board: a handler per type of request. See PROTOCOL.md. */
#include <string.h>

#include "board.h"
#include "bytes.h"
#include "inference.h"
#include "server.h"

/* The identity is 76 bytes and two names with a length byte each (sizeof counts a final 0). */
typedef char identity_fits[76 + sizeof MF_BOARD_NAME + sizeof MF_FIRMWARE_VERSION <=
                                   MF_ANSWER_BYTES - MF_HEADER_BYTES
                               ? 1
                               : -1];

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

static int open_session(mf_server *server, const uint8_t *payload, uint32_t length,
                        uint8_t *answer)
{
    (void)payload;
    (void)length;
    const mf_model *model = server->model;
    uint8_t *at = answer;
    server->written = 0;
    server->answered = false;
    const uint16_t counts[] = {
        MF_PROTOCOL_VERSION, model->input_count,
        model->output_count, model->tensor_count,
        model->op_count,     MF_WRITE_BYTES,
        MF_READ_BYTES,       1, /* requests the host may have under way */
    };
    for (unsigned i = 0; i < sizeof counts / sizeof *counts; i++) {
        put_u16(at + 2 * i, counts[i]);
    }
    put_u32(at + 16, model->arena_bytes);
    put_u32(at + 20, MF_CLOCK_HZ);
    put_u32(at + 24, MF_TICKS_PER_SECOND);
    memcpy(at + 28, model->sha256, sizeof model->sha256);
    memcpy(at + 60, mf_image_id, sizeof mf_image_id);
    at = put_text(at + 76, MF_BOARD_NAME);
    return (int)(put_text(at, MF_FIRMWARE_VERSION) - answer);
}

static int info(mf_server *server, const uint8_t *payload, uint32_t length, uint8_t *answer)
{
    (void)length;
    const mf_tensor *tensor = find(server->model, payload[0], get_u16(payload + 1));
    if (tensor == NULL) {
        return -MF_NO_SUCH_TENSOR;
    }
    uint8_t *at = answer;
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
    return (int)(at + name - answer);
}

static int write_input(mf_server *server, const uint8_t *payload, uint32_t length,
                       uint8_t *answer)
{
    (void)answer;
    const mf_tensor *tensor = find(server->model, MF_KIND_INPUT, get_u16(payload));
    uint32_t offset = get_u32(payload + 2);
    uint32_t count = length - 6;
    if (tensor == NULL) {
        return -MF_NO_SUCH_TENSOR;
    }
    if (offset > tensor->bytes || count > tensor->bytes - offset) {
        return -MF_OUT_OF_RANGE;
    }
    memcpy((uint8_t *)tensor->data + offset, payload + 6, count);
    server->written += count;
    server->answered = false;
    return 0;
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

static int invoke(mf_server *server, const uint8_t *payload, uint32_t length, uint8_t *answer)
{
    (void)payload;
    (void)length;
    if (!inputs_written(server)) {
        return -MF_NOT_READY;
    }
    board_ticks_start();
    mf_inference_run(server->model);
    uint64_t ticks = board_ticks();
    server->written = 0;
    server->answered = true;
    put_u32(answer, (uint32_t)ticks);
    put_u32(answer + 4, (uint32_t)(ticks >> 32));
    put_u32(answer + 8, board_stack_bytes());
    return 12;
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

static int profile(mf_server *server, const uint8_t *payload, uint32_t length, uint8_t *answer)
{
    (void)length;
    uint16_t first = get_u16(payload);
    if (first > server->model->op_count) {
        return -MF_OUT_OF_RANGE;
    }
    if (!inputs_written(server)) {
        return -MF_NOT_READY;
    }
    board_ticks_start();
    /* Two readings with nothing between them: the counter's own cost, for the host to take off. */
    uint64_t before = board_ticks();
    uint64_t after = board_ticks();
    put_u32(answer, (uint32_t)(after - before));
    profile_answer steps = {answer + 4, server->answer + MF_ANSWER_BYTES, first};
    mf_inference_profile(server->model, put_step, &steps);
    server->written = 0;
    server->answered = true;
    return (int)(steps.at - answer);
}

static int read_tensor(mf_server *server, const uint8_t *payload, uint32_t length,
                       uint8_t *answer)
{
    (void)length;
    const mf_tensor *tensor = find(server->model, payload[0], get_u16(payload + 1));
    uint32_t offset = get_u32(payload + 3);
    uint32_t count = get_u16(payload + 7);
    if (tensor == NULL) {
        return -MF_NO_SUCH_TENSOR;
    }
    if (count > MF_READ_BYTES || offset > tensor->bytes || count > tensor->bytes - offset) {
        return -MF_OUT_OF_RANGE;
    }
    if (!server->answered) {
        return -MF_NOT_READY;
    }
    put_u32(answer, offset);
    server->read = (const uint8_t *)tensor->data + offset;
    server->read_length = count;
    return 4;
}

/* Carries out one type of request. It gets the request's payload and writes its answer's; it
 * returns the answer's length, or an error code with a minus before it. */
typedef int handler(mf_server *server, const uint8_t *payload, uint32_t length, uint8_t *answer);

enum { ANY_LENGTH = 0xFFFF };

/* By type of request; a payload has `least` to `most` bytes. */
static const struct {
    handler *handle;
    uint16_t least, most;
} requests[] = {
    [MF_OPEN] = {open_session, 0, ANY_LENGTH}, [MF_INFO] = {info, 3, 3},
    [MF_WRITE] = {write_input, 6, ANY_LENGTH}, [MF_INVOKE] = {invoke, 0, 0},
    [MF_READ] = {read_tensor, 9, 9},           [MF_PROFILE] = {profile, 2, 2},
};

int mf_request(mf_server *server, uint8_t type, const uint8_t *payload, uint32_t length,
               uint8_t *answer)
{
    if (type >= sizeof requests / sizeof *requests || requests[type].handle == NULL) {
        return -MF_UNKNOWN_TYPE;
    }
    if (length < requests[type].least || length > requests[type].most) {
        return -MF_BAD_LENGTH;
    }
    return requests[type].handle(server, payload, length, answer);
}
