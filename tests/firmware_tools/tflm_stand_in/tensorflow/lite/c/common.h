#ifndef STAND_IN_COMMON_H
#define STAND_IN_COMMON_H

#include <stddef.h>
#include <stdint.h>

#ifndef TF_LITE_STATIC_MEMORY
#error "TFLM's structures are of another shape without TF_LITE_STATIC_MEMORY"
#endif

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

#endif
