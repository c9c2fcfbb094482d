"""Several languages on one port: the first that receives something whole has it from then on."""

import subprocess
from pathlib import Path

import pytest

from firmware_tools.board.registry import FIRMWARE
from firmware_tools.image.elf import C_FLAGS, SANITIZE

# Two languages whose sentences end with a byte of their own; each prints what it gets.
_SPEAKERS = """
#include <stdio.h>
#include "port.h"

typedef struct { char name; uint8_t last; } speaker;

static bool listen(void *context, uint8_t byte)
{
    const speaker *self = context;
    printf("%c%c ", self->name, byte);
    return byte == self->last;
}

int main(void)
{
    speaker frames = {'f', '~'}, text = {'t', '!'};
    const mf_language languages[] = {{listen, &frames}, {listen, &text}};
    mf_port port = {languages, languages + 2};
    for (int byte = getchar(); byte != EOF; byte = getchar()) {
        mf_port_receive(&port, (uint8_t)byte);
    }
    return 0;
}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("port")
    (folder / "main.c").write_text(_SPEAKERS)
    command = ["gcc", *C_FLAGS, *SANITIZE, f"-I{FIRMWARE}", str(folder / "main.c")]
    command += [str(FIRMWARE / "port.c"), "-o", str(folder / "port")]
    subprocess.run(command, check=True)
    return folder / "port"


@pytest.mark.parametrize(
    ("received", "heard"),
    [
        (b"ab", "fa ta fb tb "),  # nothing whole yet: all get every byte
        (b"a~b!c", "fa ta f~ fb f! fc "),  # frames' from there on, whatever comes
        (b"a!b~c", "fa ta f! t! tb t~ tc "),
        (b"~!~", "f~ f! f~ "),
        (b"!~!", "f! t! t~ t! "),
    ],
)
def test_who_hears_what(program: Path, received: bytes, heard: str) -> None:
    done = subprocess.run([program], input=received, capture_output=True, check=True)
    assert done.stdout.decode() == heard
