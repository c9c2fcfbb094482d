/* What carries out an inference: steps.c the steps of a compiled model, tflm/interpreter.cc TFLM's
 * interpreter. One of them is linked in. */
#ifndef MF_INFERENCE_H
#define MF_INFERENCE_H

#include <stdint.h>

#include "mf_model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Once, before the model's tensors are touched. */
void mf_inference_start(void);

/* Reads the inputs' data, writes the outputs'; may use up the inputs. */
void mf_inference_run(const mf_model *model);

/* Gets the ticks between the readings before and after a step. */
typedef void mf_step_taken(void *context, uint32_t ticks);

/* The same inference, telling `taken` of each step in order. */
void mf_inference_profile(const mf_model *model, mf_step_taken *taken, void *context);

#ifdef __cplusplus
}
#endif

#endif
