#ifndef STAND_IN_COMMON_H
#define STAND_IN_COMMON_H

#include <stddef.h>
#include <stdint.h>

#ifndef TF_LITE_STATIC_MEMORY
#error "TFLM's structures are of another shape without TF_LITE_STATIC_MEMORY"
#endif

namespace tflite {
namespace micro {

enum TfLiteStatus { kTfLiteOk = 0, kTfLiteError = 1 };

union TfLitePtrUnion {
    char *raw;
    int8_t *int8;
    void *data;
};

struct TfLiteTensor {
    TfLitePtrUnion data;
    size_t bytes;
};

struct TfLiteEvalTensor {
    TfLitePtrUnion data;
};

} // namespace micro
} // namespace tflite

/* TFLM's C types are of its namespace, and have global names too. */
using tflite::micro::kTfLiteError;
using tflite::micro::kTfLiteOk;
using tflite::micro::TfLiteEvalTensor;
using tflite::micro::TfLiteStatus;
using tflite::micro::TfLiteTensor;

#endif
