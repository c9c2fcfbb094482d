#include "board.h"
#include "server.h"

int main(void)
{
    static mf_server server;
    board_init();
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
