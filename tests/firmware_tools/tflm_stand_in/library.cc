/* See README.md: what stands in for libtensorflow-microlite.a. */
#include <string.h>

#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/recording_micro_allocator.h"

namespace {

/* Of a flatbuffer: a table's field, a vector's element; the numbers are the schema's. */
uint32_t u32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

const uint8_t *follow(const uint8_t *at) { return at == nullptr ? nullptr : at + u32(at); }

const uint8_t *field(const uint8_t *table, unsigned int number)
{
    const uint8_t *vtable = table - static_cast<int32_t>(u32(table));
    uint16_t size, offset;
    memcpy(&size, vtable, sizeof size);
    if (4 + 2 * number >= size) {
        return nullptr;
    }
    memcpy(&offset, vtable + 4 + 2 * number, sizeof offset);
    return offset == 0 ? nullptr : table + offset;
}

const uint8_t *vector(const uint8_t *table, unsigned int number)
{
    return follow(field(table, number));
}

uint32_t length(const uint8_t *vector) { return vector == nullptr ? 0 : u32(vector); }

const uint8_t *element(const uint8_t *vector, uint32_t index) { return vector + 4 + 4 * index; }

enum { MODEL_CODES = 1, MODEL_GRAPHS = 2, MODEL_BUFFERS = 4 };
enum { GRAPH_TENSORS = 0, GRAPH_INPUTS = 1, GRAPH_OUTPUTS = 2, GRAPH_OPS = 3 };
enum { TENSOR_SHAPE = 0, TENSOR_TYPE = 1, TENSOR_BUFFER = 2 };
enum { OP_CODE = 0, OP_INPUTS = 1, OP_OUTPUTS = 2 };
enum { CODE_BUILTIN = 3, BUFFER_DATA = 0 };

/* int8 and int32 are all that the test models have. */
size_t bytes_of(const uint8_t *tensor)
{
    const uint8_t *shape = vector(tensor, TENSOR_SHAPE), *type = field(tensor, TENSOR_TYPE);
    size_t bytes = type != nullptr && *type == 9 ? 1 : 4;
    for (uint32_t i = 0; i < length(shape); i++) {
        bytes *= u32(element(shape, i));
    }
    return bytes;
}

void (*listener)(const char *);

void complain(const char *text, int number)
{
#ifndef TF_LITE_STRIP_ERROR_STRINGS
    char digits[8] = " 000\n";
    digits[1] = static_cast<char>('0' + number / 100);
    digits[2] = static_cast<char>('0' + number / 10 % 10);
    digits[3] = static_cast<char>('0' + number % 10);
    if (listener != nullptr) {
        listener(text);
        listener(digits);
    }
#else
    (void)text;
    (void)number;
#endif
}

/* Set by a constructor, as objects of TFLM might be. */
struct Constructed {
    Constructed() : yes(listener == nullptr) {}
    bool yes;
} constructed;

int code_of(const uint8_t *model, const uint8_t *op)
{
    const uint8_t *index = field(op, OP_CODE);
    const uint8_t *codes = vector(model, MODEL_CODES);
    const uint8_t *code = follow(element(codes, index == nullptr ? 0 : u32(index)));
    const uint8_t *builtin = field(code, CODE_BUILTIN);
    return builtin == nullptr ? 0 : static_cast<int>(u32(builtin));
}

const uint8_t *data_of(const uint8_t *model, const uint8_t *tensor)
{
    const uint8_t *index = field(tensor, TENSOR_BUFFER);
    const uint8_t *buffers = vector(model, MODEL_BUFFERS);
    const uint8_t *data =
        vector(follow(element(buffers, index == nullptr ? 0 : u32(index))), BUFFER_DATA);
    return length(data) == 0 ? nullptr : data + 4;
}

} // namespace

extern "C" void RegisterDebugLogCallback(void (*callback)(const char *)) { listener = callback; }

namespace tflite {
namespace micro {

size_t SingleArenaBufferAllocator::GetNonPersistentUsedBytes() const { return head_; }

RecordingMicroAllocator *RecordingMicroAllocator::Create(uint8_t *arena, size_t bytes)
{
    static uint8_t place[sizeof(RecordingMicroAllocator)] __attribute__((aligned(16)));
    RecordingMicroAllocator made(arena, bytes);
    memcpy(static_cast<void *>(place), static_cast<const void *>(&made), sizeof made);
    auto *recorder = reinterpret_cast<RecordingMicroAllocator *>(place);
    /* It takes room of its own, as a recorder does. */
    return recorder->single.tail(200) == nullptr ? nullptr : recorder;
}

const SingleArenaBufferAllocator *RecordingMicroAllocator::GetSimpleMemoryAllocator() const
{
    return &single;
}

MicroInterpreter::MicroInterpreter(const Model *model, const MicroOpResolver &resolver,
                                   uint8_t *arena, size_t arena_bytes, MicroResourceVariables *,
                                   MicroProfilerInterface *profiler, bool preserve_all_tensors)
    : model_(reinterpret_cast<const uint8_t *>(model)), resolver_(resolver),
      own_(arena, arena_bytes), allocator_(&own_), profiler_(profiler),
      preserve_(preserve_all_tensors)
{
}

MicroInterpreter::MicroInterpreter(const Model *model, const MicroOpResolver &resolver,
                                   MicroAllocator *allocator, MicroResourceVariables *,
                                   MicroProfilerInterface *profiler)
    : model_(reinterpret_cast<const uint8_t *>(model)), resolver_(resolver), own_(nullptr, 0),
      allocator_(allocator), profiler_(profiler), preserve_(false)
{
}

MicroInterpreter::~MicroInterpreter() {}

TfLiteStatus MicroInterpreter::AllocateTensors()
{
    graph_ = follow(element(vector(model_, MODEL_GRAPHS), 0));
    if (!constructed.yes || reinterpret_cast<uintptr_t>(model_) % 4 != 0) {
        complain("static objects were not constructed, or the model lies at an odd address", 0);
        return kTfLiteError;
    }
    const uint8_t *ops = vector(graph_, GRAPH_OPS), *tensors = vector(graph_, GRAPH_TENSORS);
    for (uint32_t i = 0; i < length(ops); i++) {
        int code = code_of(model_, follow(element(ops, i)));
#ifdef STAND_IN_REFUSES
        code = STAND_IN_REFUSES;
#endif
        if (!resolver_.FindOp(code)) {
            complain("no kernel is registered for op code", code);
            return kTfLiteError;
        }
    }
    uint8_t *table = allocator_->single.tail(length(tensors) * sizeof *tensors_);
    if (table == nullptr || allocator_->single.tail(48 * length(ops)) == nullptr) {
        return kTfLiteError;
    }
    tensors_ = reinterpret_cast<TfLiteEvalTensor *>(table);
    size_t planned = 0;
    for (uint32_t i = 0; i < length(tensors); i++) {
        const uint8_t *tensor = follow(element(tensors, i));
        const uint8_t *data = data_of(model_, tensor);
        uint8_t *place = const_cast<uint8_t *>(data);
        if (data == nullptr) {
            place = allocator_->single.head(bytes_of(tensor));
            planned++;
            if (place == nullptr) {
                complain("the arena is too small for tensor", static_cast<int>(i));
                return kTfLiteError;
            }
        }
        tensors_[i].data.raw = reinterpret_cast<char *>(place);
    }
    /* Planning takes more than what lasts: the least arena is larger than what it holds. */
    return allocator_->single.room() < 24 * planned ? kTfLiteError : kTfLiteOk;
}

TfLiteStatus MicroInterpreter::Invoke()
{
    const uint8_t *ops = vector(graph_, GRAPH_OPS), *tensors = vector(graph_, GRAPH_TENSORS);
    for (uint32_t i = 0; i < length(ops); i++) {
        const uint8_t *op = follow(element(ops, i));
        const uint8_t *inputs = vector(op, OP_INPUTS);
#ifndef TF_LITE_STRIP_ERROR_STRINGS
        uint32_t event = profiler_ == nullptr ? 0 : profiler_->BeginEvent("op");
#endif
        uint32_t to = u32(element(vector(op, OP_OUTPUTS), 0));
        for (size_t j = 0; j < bytes_of(follow(element(tensors, to))); j++) {
            unsigned int sum = static_cast<unsigned int>(j) + i;
            for (uint32_t k = 0; k < length(inputs); k++) {
                int32_t from = static_cast<int32_t>(u32(element(inputs, k)));
                if (from >= 0) {
                    const uint8_t *tensor = follow(element(tensors, static_cast<uint32_t>(from)));
                    if (data_of(model_, tensor) == nullptr) {
                        sum += static_cast<uint8_t>(tensors_[from].data.raw[j % bytes_of(tensor)]);
                    }
                }
            }
            tensors_[to].data.raw[j] = static_cast<char>(sum);
        }
#ifndef TF_LITE_STRIP_ERROR_STRINGS
        if (profiler_ != nullptr) {
            profiler_->EndEvent(event);
        }
#endif
    }
    /* As if other tensors had taken their places. */
    for (uint32_t i = 0; !preserve_ && i < length(tensors); i++) {
        const uint8_t *outputs = vector(graph_, GRAPH_OUTPUTS);
        const uint8_t *tensor = follow(element(tensors, i));
        bool kept = data_of(model_, tensor) != nullptr;
        for (uint32_t k = 0; k < length(outputs); k++) {
            kept = kept || u32(element(outputs, k)) == i;
        }
        if (!kept) {
            memset(tensors_[i].data.raw, 0x55, bytes_of(tensor));
        }
    }
    return kTfLiteOk;
}

TfLiteTensor *MicroInterpreter::describe(const uint8_t *list, size_t index)
{
    static TfLiteTensor described;
    uint32_t number = u32(element(list, static_cast<uint32_t>(index)));
    described.data = tensors_[number].data;
    described.bytes = bytes_of(follow(element(vector(graph_, GRAPH_TENSORS), number)));
    return &described;
}

TfLiteTensor *MicroInterpreter::input(size_t index)
{
    return describe(vector(graph_, GRAPH_INPUTS), index);
}

TfLiteTensor *MicroInterpreter::output(size_t index)
{
    return describe(vector(graph_, GRAPH_OUTPUTS), index);
}

#ifdef USE_TFLM_COMPRESSION
bool MicroInterpreter::IsTensorCompressed() { return room_for_it_[0] != 0; }
#endif

TfLiteEvalTensor *MicroInterpreter::GetTensor(int index, int) { return &tensors_[index]; }

} // namespace micro
} // namespace tflite
