/* The line's bytes, for the languages that the board speaks on it.
 *
 * Every language gets every byte until one of them has received something whole. From then on that
 * one has the port to itself, until reset: a lost flag never turns its payload into the commands
 * of another. */
#ifndef MF_PORT_H
#define MF_PORT_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    /* Takes one byte; true when it completed something that is whole in this language. */
    bool (*receive)(void *listener, uint8_t byte);
    void *listener;
} mf_language;

typedef struct {
    const mf_language *first, *end; /* those that get the next byte */
} mf_port;

void mf_port_receive(mf_port *port, uint8_t byte);

#endif
