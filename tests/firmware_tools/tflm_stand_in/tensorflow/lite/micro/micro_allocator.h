#ifndef STAND_IN_ALLOCATOR_H
#define STAND_IN_ALLOCATOR_H

#include "tensorflow/lite/c/common.h"

namespace tflite {
namespace micro {

/* Tensors from the head of the arena, what lasts from its tail. */
class SingleArenaBufferAllocator {
public:
    SingleArenaBufferAllocator(uint8_t *arena, size_t bytes) : arena_(arena), bytes_(bytes) {}

    size_t GetNonPersistentUsedBytes() const;

    uint8_t *head(size_t bytes)
    {
        bytes = (bytes + 15) / 16 * 16;
        if (bytes > bytes_ - head_ - tail_) {
            return nullptr;
        }
        head_ += bytes;
        return arena_ + head_ - bytes;
    }

    uint8_t *tail(size_t bytes)
    {
        bytes = (bytes + 15) / 16 * 16;
        if (bytes > bytes_ - head_ - tail_) {
            return nullptr;
        }
        tail_ += bytes;
        return arena_ + bytes_ - tail_;
    }

    size_t used_bytes() const { return head_ + tail_; }
    size_t room() const { return bytes_ - used_bytes(); }

private:
    uint8_t *arena_;
    size_t bytes_, head_ = 0, tail_ = 0;
};

class MicroAllocator {
public:
    MicroAllocator(uint8_t *arena, size_t bytes) : single(arena, bytes) {}

    SingleArenaBufferAllocator single;
};

} // namespace micro

using micro::MicroAllocator;
using micro::SingleArenaBufferAllocator;

} // namespace tflite

#endif
