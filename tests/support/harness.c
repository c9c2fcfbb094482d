/* Runs a compiled model over standard input: all inputs of a window in, then all its outputs and
 * observable tensors out, window after window. */
#include <stdio.h>

#include "mf_model.h"

extern const mf_model mf_the_model;

static void write_all(const mf_tensor *tensors, uint16_t count)
{
    for (uint16_t i = 0; i < count; i++) {
        fwrite(tensors[i].data, 1, tensors[i].bytes, stdout);
    }
}

int main(void)
{
    const mf_model *model = &mf_the_model;
    for (;;) {
        for (uint16_t i = 0; i < model->input_count; i++) {
            const mf_tensor *input = &model->inputs[i];
            if (fread(input->data, 1, input->bytes, stdin) != input->bytes) {
                return 0;
            }
        }
        mf_invoke(model);
        write_all(model->outputs, model->output_count);
        write_all(model->tensors, model->tensor_count);
    }
}
