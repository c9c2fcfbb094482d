#ifndef STAND_IN_SCHEMA_H
#define STAND_IN_SCHEMA_H

#include <stdint.h>

namespace tflite {

struct Model;

/* A flatbuffer begins with where its root lies. */
inline const Model *GetModel(const void *file)
{
    const uint8_t *at = static_cast<const uint8_t *>(file);
    return reinterpret_cast<const Model *>(at + *static_cast<const uint32_t *>(file));
}

} // namespace tflite

#endif
