#ifndef STAND_IN_INTERPRETER_H
#define STAND_IN_INTERPRETER_H

#include "tensorflow/lite/c/common.h"
#include "tensorflow/lite/micro/micro_allocator.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/micro/micro_profiler_interface.h"
#include "tensorflow/lite/schema/schema_generated.h"

namespace tflite {
namespace micro {

class MicroResourceVariables;

class MicroInterpreter {
public:
    MicroInterpreter(const Model *model, const MicroOpResolver &resolver, uint8_t *arena,
                     size_t arena_bytes, MicroResourceVariables *variables = nullptr,
                     MicroProfilerInterface *profiler = nullptr, bool preserve_all_tensors = false);
    MicroInterpreter(const Model *model, const MicroOpResolver &resolver, MicroAllocator *allocator,
                     MicroResourceVariables *variables = nullptr,
                     MicroProfilerInterface *profiler = nullptr);
    ~MicroInterpreter();

    TfLiteStatus AllocateTensors();
    TfLiteStatus Invoke();
    TfLiteTensor *input(size_t index);
    TfLiteTensor *output(size_t index);
    TfLiteEvalTensor *GetTensor(int index, int subgraph = 0);
    size_t arena_used_bytes() const { return allocator_->single.used_bytes(); }

private:
    TfLiteTensor *describe(const uint8_t *list, size_t index);

#ifdef USE_TFLM_COMPRESSION
    bool IsTensorCompressed();

    uint8_t room_for_it_[64];
#endif
    const uint8_t *model_;
    const MicroOpResolver &resolver_;
    MicroAllocator own_;
    MicroAllocator *allocator_;
    MicroProfilerInterface *profiler_;
    bool preserve_;
    const uint8_t *graph_ = nullptr;
    TfLiteEvalTensor *tensors_ = nullptr;
};

} // namespace micro

using micro::MicroInterpreter;

} // namespace tflite

#endif
