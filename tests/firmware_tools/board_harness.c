/* The firmware's codec and server without a board, for tests:
 *     serve            bytes from standard input to the server, its answers to standard output
 *     decode CAPACITY  every undamaged body in standard input, after its length (u32)
 *     encode           standard input as one frame
 *     fuzz SEED COUNT  COUNT hostile streams; after each the server must still be right
 * The board's boot number is 7 in `serve`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board.h"
#include "bytes.h"
#include "server.h"

extern const mf_model mf_the_model;

static mf_server server;
static uint32_t boot = 7;
static uint32_t inferences;

/* What the board sent. */
static uint8_t sent[1 << 16];
static uint32_t sent_count;

void board_write(const uint8_t *bytes, uint32_t count)
{
    if (count > sizeof sent - sent_count) {
        abort();
    }
    memcpy(sent + sent_count, bytes, count);
    sent_count += count;
}

void board_ticks_start(void)
{
    inferences++;
}

uint64_t board_ticks(void)
{
    return 1;
}

uint32_t board_stack_bytes(void)
{
    return 0;
}

uint32_t board_boot(void)
{
    return boot;
}

static void flush(void)
{
    fwrite(sent, 1, sent_count, stdout);
    sent_count = 0;
}

static int serve(void)
{
    mf_server_init(&server, &mf_the_model);
    for (int byte = getchar(); byte != EOF; byte = getchar()) {
        mf_server_receive(&server, (uint8_t)byte);
        flush();
    }
    return 0;
}

static int decode(uint32_t capacity)
{
    mf_decoder decoder;
    uint8_t *body = malloc(capacity);
    mf_decoder_init(&decoder, body, capacity);
    for (int byte = getchar(); byte != EOF; byte = getchar()) {
        if (mf_decode(&decoder, (uint8_t)byte)) {
            uint8_t length[4];
            put_u32(length, decoder.length);
            fwrite(length, 1, sizeof length, stdout);
            fwrite(body, 1, decoder.length, stdout);
        }
    }
    free(body);
    return 0;
}

static int encode(void)
{
    static uint8_t body[1 << 14];
    uint32_t length = (uint32_t)fread(body, 1, sizeof body, stdin);
    uint32_t head = length / 3;
    mf_frame_send(body, head, body + head, length - head);
    flush();
    return 0;
}

static uint32_t seed;

/* 0 … below - 1 (xorshift32). */
static uint32_t pick(uint32_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed % below;
}

static void feed(const uint8_t *bytes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        mf_server_receive(&server, bytes[i]);
    }
}

/* A request as bytes on the line. */
static uint32_t request(uint8_t *line, uint8_t type, uint16_t sequence, uint32_t session,
                        const uint8_t *payload, uint32_t length)
{
    uint8_t header[MF_HEADER_BYTES] = {type};
    put_u16(header + MF_AT_SEQUENCE, sequence);
    put_u32(header + MF_AT_SESSION, session);
    put_u32(header + MF_AT_BOOT, type == MF_OPEN ? 0 : boot);
    uint32_t before = sent_count;
    mf_frame_send(header, sizeof header, payload, length);
    uint32_t count = sent_count - before;
    memcpy(line, sent + before, count);
    sent_count = before;
    return count;
}

/* The next right request of two windows: four WRITEs, INVOKE or PROFILE, two READs. */
static uint32_t right_request(uint8_t *line)
{
    static const struct {
        uint8_t type, payload[9];
        uint16_t length;
    } steps[] = {
        {MF_WRITE, {0, 0, 0, 0, 0, 0}, 6 + 6},
        {MF_WRITE, {1, 0, 0, 0, 0, 0}, 6 + 256},
        {MF_WRITE, {1, 0, 0, 1, 0, 0}, 6 + 256},
        {MF_WRITE, {1, 0, 0, 2, 0, 0}, 6 + 188},
        {MF_INVOKE, {0}, 0},
        {MF_READ, {MF_KIND_OUTPUT, 0, 0, 0, 0, 0, 0, 5, 0}, 9},
        {MF_READ, {MF_KIND_TENSOR, 0, 0, 100, 0, 0, 0, 88, 2}, 9},
        {MF_WRITE, {1, 0, 0, 2, 0, 0}, 6 + 188},
        {MF_WRITE, {1, 0, 0, 1, 0, 0}, 6 + 256},
        {MF_WRITE, {1, 0, 0, 0, 0, 0}, 6 + 256},
        {MF_WRITE, {0, 0, 0, 0, 0, 0}, 6 + 6},
        {MF_PROFILE, {0, 0}, 2},
        {MF_READ, {MF_KIND_TENSOR, 0, 0, 100, 0, 0, 0, 88, 2}, 9},
        {MF_READ, {MF_KIND_OUTPUT, 0, 0, 0, 0, 0, 0, 5, 0}, 9},
    };
    static uint32_t at;
    uint8_t payload[6 + MF_WRITE_BYTES] = {0};
    at = (at + 1) % (sizeof steps / sizeof steps[0]);
    memcpy(payload, steps[at].payload, sizeof steps[at].payload);
    return request(line, steps[at].type, (uint16_t)(server.sequence + 1), server.session, payload,
                   steps[at].length);
}

/* A request that is now wrong, now right in type, session, sequence, payload and length. */
static uint32_t any_request(uint8_t *line)
{
    uint8_t payload[MF_WRITE_BYTES + 64];
    uint32_t length = pick(8) ? pick(12) : pick(sizeof payload);
    for (uint32_t i = 0; i < length; i++) {
        payload[i] = (uint8_t)(pick(3) ? pick(3) : pick(100));
    }
    uint16_t sequence = (uint16_t)(server.sequence + (pick(4) ? 1 : pick(0x10000)));
    return request(line, (uint8_t)(pick(16) ? 1 + pick(6) : pick(256)), sequence,
                   pick(6) ? server.session : pick(3), payload, length);
}

static uint32_t mutate(uint8_t *line, uint32_t count)
{
    for (uint32_t changes = pick(3); changes > 0 && count > 1; changes--) {
        uint32_t at = pick(count);
        switch (pick(4)) {
        case 0:
            line[at] ^= (uint8_t)(1u << pick(8));
            break;
        case 1:
            line[at] = pick(2) ? MF_FLAG : MF_ESCAPE;
            break;
        case 2:
            memmove(line + at, line + at + 1, count - at - 1);
            count--;
            break;
        default:
            count = at + 1;
        }
    }
    return count;
}

/* Everything the board sent is undamaged answers. */
static uint32_t check_answers(uint8_t *last)
{
    mf_decoder decoder;
    static uint8_t body[1 << 15];
    uint32_t length = 0;
    mf_decoder_init(&decoder, body, sizeof body);
    for (uint32_t i = 0; i < sent_count; i++) {
        if (mf_decode(&decoder, sent[i])) {
            length = decoder.length;
            if (length < MF_HEADER_BYTES || body[MF_AT_TYPE] < MF_REPLY ||
                get_u32(body + MF_AT_BOOT) != boot) {
                abort();
            }
            memcpy(last, body, length < 64 ? length : 64);
        }
    }
    sent_count = 0;
    return length;
}

/* Sends a request twice; it must be carried out once, and answered twice alike. */
static uint32_t twice(const uint8_t *line, uint32_t count, uint8_t type, uint8_t *answer)
{
    uint32_t sequence = server.sequence;
    feed(line, count);
    uint32_t once = sent_count;
    feed(line, count);
    if (sent_count != 2 * once || memcmp(sent, sent + once, once) != 0) {
        abort();
    }
    uint32_t length = check_answers(answer);
    if (answer[MF_AT_TYPE] != (type | MF_REPLY) ||
        server.sequence != (uint16_t)(type == MF_OPEN ? 0 : sequence + 1)) {
        abort();
    }
    return length;
}

/* One whole window in a new session must give the toy model's answer, whatever came before. */
static void check_window(uint32_t session)
{
    static uint8_t line[1 << 14];
    uint8_t answer[64], payload[6 + MF_WRITE_BYTES];
    uint16_t sequence = 0;
    int8_t a[6], b[700], expected[5] = {0};
    uint32_t before = inferences;
    for (uint32_t i = 0; i < sizeof a; i++) {
        a[i] = (int8_t)(pick(256) - 128);
    }
    for (uint32_t i = 0; i < sizeof b; i++) {
        b[i] = (int8_t)(pick(200) - 128);
        expected[i % 5] = (int8_t)(expected[i % 5] + (int8_t)(a[i % 6] + b[i]));
    }
    twice(line, request(line, MF_OPEN, sequence++, session, (const uint8_t *)"\2\0", 2), MF_OPEN,
          answer);
    for (uint16_t input = 0; input < 2; input++) {
        const mf_tensor *tensor = &mf_the_model.inputs[input];
        const int8_t *values = input == 0 ? a : b;
        for (uint32_t at = 0; at < tensor->bytes; at += MF_WRITE_BYTES) {
            uint32_t size =
                tensor->bytes - at < MF_WRITE_BYTES ? tensor->bytes - at : MF_WRITE_BYTES;
            put_u16(payload, input);
            put_u32(payload + 2, at);
            memcpy(payload + 6, values + at, size);
            twice(line, request(line, MF_WRITE, sequence++, session, payload, 6 + size), MF_WRITE,
                  answer);
        }
    }
    twice(line, request(line, MF_INVOKE, sequence++, session, NULL, 0), MF_INVOKE, answer);
    const uint8_t read[9] = {MF_KIND_OUTPUT, 0, 0, 0, 0, 0, 0, 5, 0};
    uint32_t length =
        twice(line, request(line, MF_READ, sequence++, session, read, 9), MF_READ, answer);
    if (length != MF_HEADER_BYTES + 4 + 5 || inferences != before + 1 ||
        memcmp(answer + MF_HEADER_BYTES + 4, expected, 5) != 0) {
        abort();
    }
}

static int fuzz(uint32_t first_seed, uint32_t count)
{
    static uint8_t line[1 << 14];
    uint8_t last[64];
    seed = first_seed;
    mf_server_init(&server, &mf_the_model);
    for (uint32_t round = 1; round <= count; round++) {
        for (uint32_t frames = pick(12); frames > 0; frames--) {
            uint32_t length;
            if (pick(8)) {
                length = pick(4) ? right_request(line) : any_request(line);
                length = pick(8) == 0 ? mutate(line, length) : length;
            } else {
                length = pick(1500);
                for (uint32_t i = 0; i < length; i++) {
                    line[i] = (uint8_t)pick(256);
                }
            }
            feed(line, length);
            check_answers(last);
        }
        if (pick(16) == 0) {
            boot++; /* a reset */
            mf_server_init(&server, &mf_the_model);
        }
        if (round % 8 == 0) {
            const uint8_t flag = MF_FLAG; /* completes a frame whose own was cut off */
            feed(&flag, 1);
            check_answers(last);
            check_window(0x1000 + round);
        }
    }
    printf("%u inferences\n", inferences);
    return 0;
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";
    if (strcmp(mode, "serve") == 0) {
        return serve();
    }
    if (strcmp(mode, "encode") == 0) {
        return encode();
    }
    if (strcmp(mode, "decode") == 0 && argc == 3) {
        return decode((uint32_t)strtoul(argv[2], NULL, 10));
    }
    if (strcmp(mode, "fuzz") == 0 && argc == 4) {
        return fuzz((uint32_t)strtoul(argv[2], NULL, 10), (uint32_t)strtoul(argv[3], NULL, 10));
    }
    return 2;
}
