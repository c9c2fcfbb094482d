/* How large an arena has to be, asked of TFLM itself on the same core: its structures depend on
 * pointer sizes, kernels and version, so no computation on the host is right to the byte.
 *
 * It is a model without inputs whose one inference finds out, and whose outputs are what it found.
 * tflm/probe.py reads them. */
#include <string.h>

#include "inference.h"
#include "tflm/model.h"

#include "tensorflow/lite/micro/recording_micro_allocator.h"

namespace
{

/* An arena's size is a multiple of it. */
const size_t STEP = 16;

struct {
    int32_t arena_bytes;  /* the least that the model starts with; 0: it does not start */
    int32_t tensor_bytes; /* of these, tensors and scratch that share their places */
    int32_t events;       /* that the profiler was told of in one inference */
} found;

/* The first thing that TFLM complained of. */
char complaint[128];

void listen(const char *text)
{
    size_t room = sizeof complaint - 1 - strlen(complaint);
    strncat(complaint, text, room);
}

class OpCount : public tflite::MicroProfilerInterface
{
  public:
    uint32_t BeginEvent(const char *) override
    {
        return 0;
    }

    void EndEvent(uint32_t) override
    {
        events++;
    }

    int32_t events = 0;

    static void operator delete(void *)
    {
    }
};

size_t whole()
{
    return static_cast<size_t>(mf_tflm_arena_end - mf_tflm_arena);
}

bool record(const tflite::Model *model, const mf_resolver &resolver)
{
    tflite::RecordingMicroAllocator *recorder =
        tflite::RecordingMicroAllocator::Create(mf_tflm_arena, whole());
    OpCount counter;
    tflite::MicroInterpreter interpreter(model, resolver, recorder, nullptr, &counter);
    if (interpreter.AllocateTensors() != kTfLiteOk || interpreter.Invoke() != kTfLiteOk) {
        return false;
    }
    found.tensor_bytes =
        static_cast<int32_t>(recorder->GetSimpleMemoryAllocator()->GetNonPersistentUsedBytes());
    found.events = counter.events;
    return true;
}

/* Bytes used of an arena of that size, 0 where it is too small. */
size_t used_of(size_t bytes, const tflite::Model *model, const mf_resolver &resolver)
{
    tflite::MicroInterpreter interpreter(model, resolver, mf_tflm_arena, bytes, nullptr, nullptr,
                                         MF_TFLM_PRESERVE_ALL_TENSORS);
    return interpreter.AllocateTensors() == kTfLiteOk ? interpreter.arena_used_bytes() : 0;
}

const mf_tensor outputs[] = {
    {"found", &found, sizeof found, {sizeof found / 4}, 1, 2, 0, 0.0f, 0},
    {"complaint", complaint, sizeof complaint, {sizeof complaint}, 1, 9, 1, 0.0f, 0},
};

} // namespace

extern "C" {

/* Only the library of a microcontroller has it. */
void RegisterDebugLogCallback(void (*callback)(const char *)) __attribute__((weak));

extern const mf_model mf_the_model = {MF_TFLM_SHA256, 0,       0,       2,      0, 0,
                                      nullptr,        outputs, nullptr, nullptr};
}

void mf_inference_start(void)
{
    if (RegisterDebugLogCallback != nullptr) {
        RegisterDebugLogCallback(listen);
    }
}

void mf_inference_run(const mf_model *)
{
    mf_resolver resolver;
    const tflite::Model *model = tflite::GetModel(mf_tflm_file);
    if (!mf_add_ops(resolver) || !record(model, resolver)) {
        return;
    }
    /* What is in use at the end may be too little to begin with: planning takes memory too. */
    size_t bytes = (used_of(whole(), model, resolver) + STEP - 1) / STEP * STEP;
    while (bytes <= whole() && used_of(bytes, model, resolver) == 0) {
        bytes += STEP;
    }
    found.arena_bytes = bytes <= whole() ? static_cast<int32_t>(bytes) : 0;
}

/* Nobody asks where the time goes in finding out. */
void mf_inference_profile(const mf_model *, mf_step_taken *, void *)
{
}
