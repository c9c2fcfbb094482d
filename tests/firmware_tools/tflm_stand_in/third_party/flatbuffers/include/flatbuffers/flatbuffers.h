/* The stand-in reads its .tflite without it; its place says that the downloads are there. */
