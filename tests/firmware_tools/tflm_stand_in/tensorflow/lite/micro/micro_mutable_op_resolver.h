#ifndef STAND_IN_RESOLVER_H
#define STAND_IN_RESOLVER_H

#include "tensorflow/lite/c/common.h"

namespace tflite {
namespace micro {

class MicroOpResolver {
public:
    virtual ~MicroOpResolver() {}
    virtual bool FindOp(int builtin_code) const = 0;
};

/* The schema's numbers of the ops that the test models have. */
template <unsigned int tOpCount> class MicroMutableOpResolver : public MicroOpResolver {
public:
    TfLiteStatus AddAdd() { return AddBuiltin(0); }
    TfLiteStatus AddBatchMatMul() { return AddBuiltin(126); }
    TfLiteStatus AddConcatenation() { return AddBuiltin(2); }
    TfLiteStatus AddConv2D() { return AddBuiltin(3); }
    TfLiteStatus AddFullyConnected(int registration = 9) { return AddBuiltin(registration); }
    TfLiteStatus AddMaxPool2D() { return AddBuiltin(17); }
    TfLiteStatus AddMean() { return AddBuiltin(40); }
    TfLiteStatus AddReshape() { return AddBuiltin(22); }
    TfLiteStatus AddSoftmax() { return AddBuiltin(25); }

    bool FindOp(int builtin_code) const override
    {
        for (unsigned int i = 0; i < count_; i++) {
            if (codes_[i] == builtin_code) {
                return true;
            }
        }
        return false;
    }

private:
    TfLiteStatus AddBuiltin(int code)
    {
        if (count_ == tOpCount || FindOp(code)) {
            return kTfLiteError;
        }
        codes_[count_++] = code;
        return kTfLiteOk;
    }

    /* As in TFLM: an object with a virtual destructor that never lies on a heap. */
    void operator delete(void *) {}

    int codes_[tOpCount];
    unsigned int count_ = 0;
};

} // namespace micro

using micro::MicroMutableOpResolver;
using micro::MicroOpResolver;

} // namespace tflite

#endif
