#include "board.h"
#include "inference.h"
#include "port.h"
#include "server.h"

/* The model that is compiled in. */
extern const mf_model mf_the_model;

static mf_server server;

/* What is spoken on the line. */
static const mf_language languages[] = {{mf_server_receive, &server}};

int main(void)
{
    mf_port port = {languages, languages + sizeof languages / sizeof *languages};
    board_init();
    mf_inference_start();
    mf_server_init(&server, &mf_the_model);
    for (;;) {
        int byte = board_read();
        if (byte < 0) {
            board_idle();
        } else {
            mf_port_receive(&port, (uint8_t)byte);
        }
    }
}
