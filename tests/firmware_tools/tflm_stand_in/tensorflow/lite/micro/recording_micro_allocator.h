#ifndef STAND_IN_RECORDING_ALLOCATOR_H
#define STAND_IN_RECORDING_ALLOCATOR_H

#include "tensorflow/lite/micro/micro_allocator.h"

namespace tflite {
namespace micro {

/* It records nothing but what every allocator here knows. */
class RecordingMicroAllocator : public MicroAllocator {
public:
    static RecordingMicroAllocator *Create(uint8_t *arena, size_t bytes);

    const SingleArenaBufferAllocator *GetSimpleMemoryAllocator() const;

private:
    using MicroAllocator::MicroAllocator;
};

} // namespace micro

using micro::RecordingMicroAllocator;

} // namespace tflite

#endif
