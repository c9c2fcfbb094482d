/* Your own program around a model: fill the inputs, run it, read the answer.
 *
 * MODEL and MODEL_HEADER come from the makefile: the model's name in C, and its header. */
#include <stdio.h>

#include MODEL_HEADER

/* One sample of a sensor, in the unit that the model was trained on. */
static float read_sensor(uint32_t at)
{
    return (float)(at % 7) - 3.0f;
}

int main(void)
{
    const mf_model *model = &MODEL;
    for (uint16_t i = 0; i < model->input_count; i++) {
        for (uint32_t at = 0; at < mf_elements(&model->inputs[i]); at++) {
            mf_write_real(&model->inputs[i], at, read_sensor(at));
        }
    }
    mf_invoke(model);

    const mf_tensor *scores = &model->outputs[0];
    uint32_t best = 0;
    for (uint32_t at = 1; at < mf_elements(scores); at++) {
        if (mf_read_real(scores, at) > mf_read_real(scores, best)) {
            best = at;
        }
    }
    printf("class %u\n", (unsigned)best);
    return 0;
}
