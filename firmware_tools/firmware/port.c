#include "port.h"

void mf_port_receive(mf_port *port, uint8_t byte)
{
    for (const mf_language *each = port->first; each < port->end; each++) {
        if (each->receive(each->listener, byte)) {
            port->first = each;
            port->end = each + 1;
        }
    }
}
