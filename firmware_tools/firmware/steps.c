/* The inference of a compiled model: its steps, one after the other. */
#include "board.h"
#include "inference.h"

void mf_inference_start(void)
{
}

void mf_inference_run(const mf_model *model)
{
    mf_invoke(model);
}

void mf_inference_profile(const mf_model *model, mf_step_taken *taken, void *context)
{
    for (uint16_t i = 0; i < model->op_count; i++) {
        uint64_t before = board_ticks();
        model->ops[i].run();
        uint64_t after = board_ticks();
        taken(context, (uint32_t)(after - before));
    }
}
