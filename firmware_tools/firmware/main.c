#include "board.h"
#include "inference.h"
#include "server.h"

/* The model that is compiled in. */
extern const mf_model mf_the_model;

int main(void)
{
    static mf_server server;
    board_init();
    mf_inference_start();
    mf_server_init(&server, &mf_the_model);
    for (;;) {
        int byte = board_read();
        if (byte < 0) {
            board_idle();
        } else {
            mf_server_receive(&server, (uint8_t)byte);
        }
    }
}
