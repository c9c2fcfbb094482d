/* A compiled model: what the compiler writes into model.c, and all that firmware needs of it. */
#ifndef MF_MODEL_H
#define MF_MODEL_H

#include <stdint.h>

#ifdef __cplusplus
#define MF_EXTERN extern "C"
extern "C" {
#else
#define MF_EXTERN extern
#endif

enum { MF_MAX_RANK = 6 };

/* A tensor in the arena. real = scale * (q - zero_point). */
typedef struct {
    const char *name; /* signature name of an input or output, else the .tflite's tensor name */
    void *data;
    uint32_t bytes;
    uint32_t dims[MF_MAX_RANK];
    uint8_t rank;
    uint8_t dtype; /* the schema's TensorType: float32 0, int32 2, int16 7, int8 9 */
    uint16_t tflite_index;
    float scale;
    int32_t zero_point;
} mf_tensor;

/* One step of an inference. */
typedef struct {
    void (*run)(void);
    const char *name;      /* the .tflite's operator, for people and profiles */
    uint16_t tflite_index; /* its index in the .tflite */
} mf_op;

typedef struct {
    uint8_t sha256[32]; /* of the .tflite */
    uint32_t arena_bytes;
    uint16_t input_count;
    uint16_t output_count;
    uint16_t tensor_count; /* of `tensors`: every op's output in an observable build, else 0 */
    uint16_t op_count;
    const mf_tensor *inputs;
    const mf_tensor *outputs;
    const mf_tensor *tensors;
    const mf_op *ops;
} mf_model;

/* One inference: reads the inputs' data, writes the outputs'. An ordinary build may overwrite the
 * inputs on the way, so they are filled anew for each inference. */
static inline void mf_invoke(const mf_model *model)
{
    for (uint16_t i = 0; i < model->op_count; i++) {
        model->ops[i].run();
    }
}

#ifdef __cplusplus
}
#endif

#endif
