/* The firmware as a process of the host behind a pseudo-terminal of its own.
 *
 * It prints the terminal's path as its first line and ends when its standard input closes, which
 * also happens when the program that started it dies: nothing stays behind. */
#define _GNU_SOURCE
#include "board.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static int line;
static uint8_t received[4096];
static ssize_t received_count, taken;

static void give_up(const char *what)
{
    perror(what);
    exit(1);
}

void board_init(void)
{
    line = posix_openpt(O_RDWR | O_NOCTTY);
    if (line < 0 || grantpt(line) < 0 || unlockpt(line) < 0) {
        give_up("pseudo-terminal");
    }
    const char *path = ptsname(line);
    /* Held open here too, so that the line stays up while no program is at its other end. */
    int other_end = path == NULL ? -1 : open(path, O_RDWR | O_NOCTTY);
    struct termios mode;
    if (other_end < 0 || tcgetattr(other_end, &mode) < 0) {
        give_up("pseudo-terminal");
    }
    cfmakeraw(&mode);
    if (tcsetattr(other_end, TCSANOW, &mode) < 0 || fcntl(line, F_SETFL, O_NONBLOCK) < 0) {
        give_up("pseudo-terminal");
    }
    printf("%s\n", path);
    if (fflush(stdout) != 0) {
        give_up("standard output");
    }
}

/* Waits until the line is ready for `events`, at most `milliseconds` (-1: for ever). */
static void wait_for(short events, int milliseconds)
{
    struct pollfd files[2] = {{.fd = line, .events = events},
                              {.fd = STDIN_FILENO, .events = POLLIN}};
    char ignored[64];
    if (poll(files, 2, milliseconds) > 0 && files[1].revents != 0 &&
        read(STDIN_FILENO, ignored, sizeof ignored) <= 0) {
        exit(0);
    }
}

int board_read(void)
{
    if (taken == received_count) {
        taken = 0;
        received_count = read(line, received, sizeof received);
        if (received_count <= 0) {
            received_count = 0;
            return -1;
        }
    }
    return received[taken++];
}

void board_write(const uint8_t *bytes, uint32_t count)
{
    while (count > 0) {
        ssize_t written = write(line, bytes, count);
        if (written > 0) {
            bytes += written;
            count -= (uint32_t)written;
        } else if (errno == EAGAIN) {
            wait_for(POLLOUT, -1);
        } else if (errno != EINTR) {
            give_up("write");
        }
    }
}

void board_idle(void)
{
    wait_for(POLLIN, -1);
}

/* A host process has no stack worth measuring: 64-bit pointers, another compiler. */
uint32_t board_stack_bytes(void)
{
    return 0;
}

uint32_t board_boot(void)
{
    static uint32_t number;
    if (number == 0) {
        struct timespec time;
        clock_gettime(CLOCK_MONOTONIC, &time);
        number = (uint32_t)time.tv_nsec | 1u;
    }
    return number;
}
