/* harness.c on an emulated Cortex-M: reads windows.bin and writes answer.bin by semihosting. */
#include "board.h"
#include "mf_model.h"

extern const mf_model mf_the_model;

enum { SYS_OPEN = 0x01, SYS_WRITE = 0x05, SYS_READ = 0x06, SYS_EXIT = 0x18 };
enum { READ_BINARY = 1, WRITE_BINARY = 5, APPLICATION_EXIT = 0x20026, RUN_TIME_ERROR = 0x20023 };

static uint32_t host(uint32_t operation, uintptr_t argument)
{
    register uint32_t r0 __asm__("r0") = operation;
    register uintptr_t r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static uint32_t open(const char *name, uint32_t length, uint32_t mode)
{
    const uintptr_t block[3] = {(uintptr_t)name, mode, length};
    return host(SYS_OPEN, (uintptr_t)block);
}

/* The bytes that are left to do. */
static uint32_t move(uint32_t operation, uint32_t file, void *data, uint32_t bytes)
{
    const uintptr_t block[3] = {file, (uintptr_t)data, bytes};
    return host(operation, (uintptr_t)block);
}

static void write_all(uint32_t file, const mf_tensor *tensors, uint16_t count)
{
    for (uint16_t i = 0; i < count; i++) {
        move(SYS_WRITE, file, tensors[i].data, tensors[i].bytes);
    }
}

int main(void)
{
    const mf_model *model = &mf_the_model;
    if (board_boot() > 1) { /* a fault has reset the core */
        host(SYS_EXIT, RUN_TIME_ERROR);
    }
    const uint32_t in = open("windows.bin", 11, READ_BINARY);
    const uint32_t out = open("answer.bin", 10, WRITE_BINARY);
    for (;;) {
        for (uint16_t i = 0; i < model->input_count; i++) {
            const mf_tensor *input = &model->inputs[i];
            if (move(SYS_READ, in, input->data, input->bytes) > 0) {
                host(SYS_EXIT, APPLICATION_EXIT);
            }
        }
        mf_invoke(model);
        write_all(out, model->outputs, model->output_count);
        write_all(out, model->tensors, model->tensor_count);
    }
}
