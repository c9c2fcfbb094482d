/* Which image this is. build.py writes a digest of the linked file over these bytes, so that two
 * images that differ in anything differ here. A file of its own: no compiler may fold the bytes into
 * the code that reads them. */
#include "server.h"

const uint8_t mf_image_id[MF_IMAGE_ID_BYTES] = MF_IMAGE_ID;
