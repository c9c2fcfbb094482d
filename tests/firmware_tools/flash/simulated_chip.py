"""A Cortex-M chip behind its debug port, as registers: what OpenOCD and pyOCD see of an STM32F103.

No code runs on it. It has the debug port and the memory access port of Arm's ADIv5,
the core's debug registers, a ROM table, RAM, and flash that is erased and written through the
STM32F1's controller (programming manual PM0075), in pages of 1 KB.
"""

import struct
from collections.abc import Callable

FLASH, RAM = 0x0800_0000, 0x2000_0000
PAGE_BYTES = 0x400
_CONTROLLER = 0x4002_2000
_KEYR, _CR, _AR = _CONTROLLER + 0x04, _CONTROLLER + 0x10, _CONTROLLER + 0x14
_OPTIONS, _PROTECTION = _CONTROLLER + 0x1C, _CONTROLLER + 0x20
_KEYS = [0x4567_0123, 0xCDEF_89AB]
_PG, _PER, _STRT, _LOCK = 1, 1 << 1, 1 << 6, 1 << 7
_IDCODE, _FLASH_KB = 0xE004_2000, 0x1FFF_F7E0
_ROM_TABLE, _SCS = 0xE00F_F000, 0xE000_E000
_BREAKPOINTS = 0xE000_2000
_CPUID, _AIRCR = 0xE000_ED00, 0xE000_ED0C
_DHCSR, _DCRSR, _DCRDR, _DEMCR = 0xE000_EDF0, 0xE000_EDF4, 0xE000_EDF8, 0xE000_EDFC
_CORTEX_M3 = 0x411F_C231

# Changes a value on its way into memory: address, bytes.
Spoil = Callable[[int, bytes], bytes]


class SimulatedChip:
    """Memory and registers; `resets` counts the resets that were asked for."""

    def __init__(self, device_id: int = 0x410, spoil: Spoil = lambda _, data: data) -> None:
        self.flash = bytearray(b"\x55" * 4 * PAGE_BYTES)
        self.resets = 0
        self.spoil = spoil
        self._ram = bytearray(0x1000)
        self._words = {
            _CPUID: _CORTEX_M3,
            _IDCODE: 0x1000_0000 | device_id,
            _FLASH_KB: len(self.flash) // 1024,
            _CR: _LOCK,
            _OPTIONS: 0x03FF_FFFC,
            _PROTECTION: 0xFFFF_FFFF,
            _ROM_TABLE: (_SCS - _ROM_TABLE) % (1 << 32) | 3,
        }
        # Component and part numbers that name a ROM table and a Cortex-M3's control space.
        self._ids(_ROM_TABLE, (0x0D, 0x10, 0x05, 0xB1), (0xC4, 0xB4, 0x0B, 0x00))
        self._ids(_SCS, (0x0D, 0xE0, 0x05, 0xB1), (0x00, 0xB0, 0x0B, 0x00))
        self._keys: list[int] = []
        self._core: dict[int, int] = {}
        self._halted = self._was_reset = False

    def read(self, address: int, size: int) -> int:
        """`size` bytes, little-endian; what is nowhere reads as 0."""
        for start, memory in ((FLASH, self.flash), (RAM, self._ram)):
            if start <= address and address + size <= start + len(memory):
                return int.from_bytes(memory[address - start :][:size], "little")
        word = self._register(address & ~3)
        return word >> 8 * (address & 3) & (1 << 8 * size) - 1

    def write(self, address: int, size: int, value: int) -> None:
        data = value.to_bytes(size, "little")
        if RAM <= address < RAM + len(self._ram):
            self._ram[address - RAM : address - RAM + size] = self.spoil(address, data)
        elif FLASH <= address < FLASH + len(self.flash):
            if self._words[_CR] & (_PG | _LOCK) == _PG:
                at = address - FLASH
                written = zip(self.flash[at : at + size], self.spoil(address, data), strict=True)
                self.flash[at : at + size] = bytes(old & new for old, new in written)
        else:
            self._set_register(address, value)

    def _register(self, address: int) -> int:
        if address != _DHCSR:
            return self._words.get(address, 0)
        status = self._words.get(_DHCSR, 0) & 0xFFFF | 1 << 16  # the core's registers are ready
        status |= self._halted << 17 | self._was_reset << 25
        self._was_reset = False
        return status

    def _set_register(self, address: int, value: int) -> None:
        if address == _DHCSR and value >> 16 == 0xA05F:
            self._words[_DHCSR] = value & 0xFFFF
            self._halted = value & 3 == 3
        elif address == _AIRCR and value >> 16 == 0x05FA:
            if value & 4:
                self.resets += 1
                self._was_reset = True
                self._halted = bool(self._words.get(_DEMCR, 0) & 1)
        elif address == _DCRSR:
            if value & 1 << 16:
                self._core[value & 0x7F] = self._words.get(_DCRDR, 0)
            else:
                self._words[_DCRDR] = self._core.get(value & 0x7F, 0)
        elif address == _KEYR:
            self._keys = [*self._keys, value][-2:]
            if self._keys == _KEYS:
                self._words[_CR] &= ~_LOCK
        elif address == _CR and not self._words[_CR] & _LOCK:
            self._words[_CR] = value & ~_STRT
            if value & _STRT and value & _PER:
                start = (self._words[_AR] - FLASH) // PAGE_BYTES * PAGE_BYTES
                self.flash[start : start + PAGE_BYTES] = b"\xff" * PAGE_BYTES
        elif address in (_DCRDR, _DEMCR, _BREAKPOINTS, _AR):
            self._words[address] = value

    def _ids(self, base: int, component: tuple[int, ...], part: tuple[int, ...]) -> None:
        values = {0xFD0: 4} | {0xFE0 + 4 * i: value for i, value in enumerate(part)}
        values |= {0xFF0 + 4 * i: value for i, value in enumerate(component)}
        self._words |= {base + offset: value for offset, value in values.items()}


class DebugPort:
    """ADIv5's registers at 0, 4, 8 and C: `ap` chooses the access port's, else the debug port's."""

    def __init__(self, chip: SimulatedChip) -> None:
        self._chip = chip
        self._select = self._control = self._address = 0
        self._mode = 0x2300_0052

    def read(self, ap: bool, address: int) -> int:
        if not ap:
            powered = self._control & 0x5000_0000
            return [0x2BA0_1477, self._control | powered << 1, 0, 0][address // 4]
        if self._select >> 24:
            return 0
        register = self._select & 0xF0 | address
        if register in (0x0C, 0x10, 0x14, 0x18, 0x1C):
            return self._data(register, None)
        known = {0x00: self._mode, 0x04: self._address, 0xF8: _ROM_TABLE | 3, 0xFC: 0x2477_0011}
        return known.get(register, 0)

    def write(self, ap: bool, address: int, value: int) -> None:
        if not ap:
            if address == 4:
                self._control = value & 0x5000_0000
            elif address == 8:
                self._select = value
            return
        register = self._select & 0xF0 | address
        if self._select >> 24:
            return
        if register == 0x00:
            # Always enabled; no packed transfers, but single ones instead.
            self._mode = value & ~0x20 | (0x10 if value & 0x20 else 0) | 0x40
        elif register == 0x04:
            self._address = value
        elif register in (0x0C, 0x10, 0x14, 0x18, 0x1C):
            self._data(register, value)

    def _data(self, register: int, value: int | None) -> int:
        """DRW moves on; the banked ones reach four words around the address."""
        size = 1 << (self._mode & 3)
        if register != 0x0C:
            at, size = self._address & ~0xF | register & 0xC, 4
        else:
            at = self._address
            if self._mode & 0x30:
                self._address += size
        lane = 8 * (at & 3)
        if value is None:
            return self._chip.read(at, size) << lane
        self._chip.write(at, size, value >> lane & (1 << 8 * size) - 1)
        return 0


def elf_at(address: int, data: bytes) -> bytes:
    """The least 32-bit ELF file that puts bytes at an address."""
    header, segment = struct.Struct("<16sHHIIIIIHHHHHH"), struct.Struct("<8I")
    start = header.size + segment.size
    kind = (2, 40, 1)  # a program, for Arm
    counts = (header.size, segment.size, 1, 0, 0, 0)
    return (
        header.pack(b"\x7fELF\x01\x01\x01", *kind, address, header.size, 0, 0, *counts)
        + segment.pack(1, start, address, address, len(data), len(data), 5, 4)
        + data
    )
