#ifndef STAND_IN_RECORDING_ALLOCATOR_H
#define STAND_IN_RECORDING_ALLOCATOR_H

#include "tensorflow/lite/micro/micro_allocator.h"

namespace tflite {

class RecordingMicroAllocator;

class RecordingSingleArenaBufferAllocator {
public:
    size_t GetNonPersistentUsedBytes() const;

    const RecordingMicroAllocator *whole;
};

class RecordingMicroAllocator : public MicroAllocator {
public:
    static RecordingMicroAllocator *Create(uint8_t *arena, size_t bytes);

    const RecordingSingleArenaBufferAllocator *GetSimpleMemoryAllocator() const { return &single_; }

private:
    RecordingMicroAllocator(uint8_t *arena, size_t bytes) : MicroAllocator(arena, bytes)
    {
        single_.whole = this;
    }

    RecordingSingleArenaBufferAllocator single_;
};

} // namespace tflite

#endif
