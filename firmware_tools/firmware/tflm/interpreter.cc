/* The inference of a .tflite by TFLM's interpreter, behind the same server as a compiled model's.
 *
 * What cannot go on traps: the board resets, which the host sees, and counts. The arena is as large
 * as probe.cc found out, so a failure at the start is a library that was changed in between. */
#include "inference.h"
#include "tflm/model.h"

extern "C" {
#include "board.h"

/* In the generated C: their places are known once the interpreter has laid out its arena. */
extern mf_tensor mf_tflm_inputs[], mf_tflm_outputs[], mf_tflm_tensors[];
extern const mf_model mf_the_model;
}

/* Storage of an object that lives as long as the firmware: no destructor is ever registered. */
template <typename Object> struct mf_place {
    alignas(Object) uint8_t bytes[sizeof(Object)];
};

template <typename Object> void *operator new(size_t, mf_place<Object> &place) noexcept
{
    return place.bytes;
}

namespace
{

/* TFLM tells it of each op; in an ordinary inference nobody listens. */
class OpTicks : public tflite::MicroProfilerInterface
{
  public:
    uint32_t BeginEvent(const char *) override
    {
        before_ = taken == nullptr ? 0 : board_ticks();
        return 0;
    }

    void EndEvent(uint32_t) override
    {
        if (taken != nullptr) {
            uint64_t after = board_ticks();
            taken(context, static_cast<uint32_t>(after - before_));
        }
    }

    mf_step_taken *taken = nullptr;
    void *context = nullptr;

    /* A virtual destructor asks for it; nothing here is ever deleted. */
    static void operator delete(void *)
    {
    }

  private:
    uint64_t before_ = 0;
};

mf_place<mf_resolver> resolver_place;
mf_place<OpTicks> profiler_place;
mf_place<tflite::MicroInterpreter> interpreter_place;
OpTicks *profiler;
tflite::MicroInterpreter *interpreter;

void require(bool fine)
{
    if (!fine) {
        __builtin_trap();
    }
}

/* A tensor of another size than the .tflite's: headers and library do not belong together. */
void place(mf_tensor &tensor, const TfLiteTensor *found)
{
    require(found != nullptr && found->bytes == tensor.bytes);
    tensor.data = found->data.raw;
}

} // namespace

void mf_inference_start(void)
{
    mf_resolver *resolver = new (resolver_place) mf_resolver;
    require(mf_add_ops(*resolver));
    profiler = new (profiler_place) OpTicks;
    interpreter = new (interpreter_place)
        tflite::MicroInterpreter(tflite::GetModel(mf_tflm_file), *resolver, mf_tflm_arena,
                                 static_cast<size_t>(mf_tflm_arena_end - mf_tflm_arena), nullptr,
                                 profiler, MF_TFLM_PRESERVE_ALL_TENSORS);
    require(interpreter->AllocateTensors() == kTfLiteOk);
    for (uint16_t i = 0; i < mf_the_model.input_count; i++) {
        place(mf_tflm_inputs[i], interpreter->input(i));
    }
    for (uint16_t i = 0; i < mf_the_model.output_count; i++) {
        place(mf_tflm_outputs[i], interpreter->output(i));
    }
    for (uint16_t i = 0; i < mf_the_model.tensor_count; i++) {
        mf_tflm_tensors[i].data =
            interpreter->GetTensor(mf_tflm_tensors[i].tflite_index)->data.raw;
    }
}

void mf_inference_run(const mf_model *)
{
    require(interpreter->Invoke() == kTfLiteOk);
}

void mf_inference_profile(const mf_model *model, mf_step_taken *taken, void *context)
{
    profiler->taken = taken;
    profiler->context = context;
    mf_inference_run(model);
    profiler->taken = nullptr;
}
