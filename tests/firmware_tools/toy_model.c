/* A model by hand, for tests of the link: two inputs of 6 and 700 bytes, and
 *     sum[i] = a[i % 6] + b[i]      (tensor 0, 700 bytes, wrapping)
 *     out[j] = sum of sum[j::5]     (tensor 1 and the output, 5 bytes, wrapping)
 * Like an ordinary build it uses up its inputs, so an inference that ran twice gives another
 * answer. b[0] = 127 and b[1] = 126 spin for 200 million instructions of a Cortex-M4, b[1] = 127
 * for four times that, past the wrap of a 24-bit SysTick, and b[1] = 125 crashes. */
#include "mf_model.h"

static int8_t a[6], b[700], sum[700], out[5];

static void spin(void)
{
    uint32_t rounds = b[0] != 127 ? 0 : b[1] == 127 ? 400000000u : b[1] == 126 ? 100000000u : 0;
    for (; rounds > 0; rounds--) {
        __asm__ volatile("" ::: "memory");
    }
}

static void add(void)
{
    spin();
    if (b[0] == 127 && b[1] == 125) {
        __builtin_trap();
    }
    for (uint32_t i = 0; i < sizeof b; i++) {
        sum[i] = (int8_t)(a[i % sizeof a] + b[i]);
        b[i] = (int8_t)(b[i] ^ 0x55);
    }
}

static void fold(void)
{
    for (uint32_t j = 0; j < sizeof out; j++) {
        out[j] = 0;
        for (uint32_t i = j; i < sizeof sum; i += sizeof out) {
            out[j] = (int8_t)(out[j] + sum[i]);
        }
    }
}

static const mf_tensor inputs[] = {
    {"a", a, sizeof a, {1, 2, 3}, 3, 9, 0, 0.5f, 3},
    {"b", b, sizeof b, {1, 700}, 2, 9, 1, 0.25f, -128},
};
static const mf_tensor outputs[] = {{"out", out, sizeof out, {1, 5}, 2, 9, 3, 0.125f, 0}};
static const mf_tensor tensors[] = {
    {"sum", sum, sizeof sum, {1, 700}, 2, 9, 2, 1.0f, 0},
    {"out", out, sizeof out, {1, 5}, 2, 9, 3, 0.125f, 0},
};
static const mf_op ops[] = {{add, "ADD", 0}, {fold, "SUM", 1}};

const mf_model mf_the_model = {
    .sha256 = {1, 2, 3, 4},
    .arena_bytes = sizeof a + sizeof b + sizeof sum + sizeof out,
    .input_count = 2,
    .output_count = 1,
    .tensor_count = 2,
    .op_count = 2,
    .inputs = inputs,
    .outputs = outputs,
    .tensors = tensors,
    .ops = ops,
};
