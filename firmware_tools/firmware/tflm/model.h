/* The model that TFLM interprets; firmware_tools/tflm/generate.py writes tflm_model.h and the C that
 * defines these. */
#ifndef MF_TFLM_MODEL_H
#define MF_TFLM_MODEL_H

#include <stdint.h>

#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/schema/schema_generated.h"

#include "tflm_model.h"

extern "C" {
extern const uint8_t mf_tflm_file[]; /* the .tflite, as it is */
extern uint8_t *const mf_tflm_arena;
extern uint8_t *const mf_tflm_arena_end;
}

/* MF_TFLM_OPS(with) is a with(method) for each kind of op in the model, as in with(AddConv2D). */
typedef tflite::MicroMutableOpResolver<MF_TFLM_KINDS> mf_resolver;

static inline bool mf_add_ops(mf_resolver &resolver)
{
    (void)resolver; /* a model may have no ops */
#define ADD(method) &&resolver.method() == kTfLiteOk
    return true MF_TFLM_OPS(ADD);
#undef ADD
}

#endif
