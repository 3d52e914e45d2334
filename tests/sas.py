"""A writer of SAS transport files (TS-140, versions 5 and 8), as small as the tests need: no library here writes them."""

from __future__ import annotations

import math
from collections.abc import Sequence


def ibm(value: float) -> bytes:
    """A number as eight bytes of IBM hexadecimal floating point; NaN as SAS's missing value."""
    if math.isnan(value):
        return b"." + bytes(7)
    if value == 0:
        return bytes(8)
    sign, value, exponent = (0x80 if value < 0 else 0), abs(value), 64
    while value >= 1:
        value, exponent = value / 16, exponent + 1
    while value < 1 / 16:
        value, exponent = value * 16, exponent - 1
    return bytes([sign | exponent]) + round(value * 2**56).to_bytes(7, "big")


def _header(kind: str, digits: str = "0" * 30) -> bytes:
    return f"HEADER RECORD*******{kind:<8}HEADER RECORD!!!!!!!{digits:<30}  ".encode()


def _filled(data: bytes) -> bytes:
    return data + b" " * (-len(data) % 80)


def xpt(names: Sequence[str], rows: Sequence[Sequence[float | str]], version: int = 5) -> bytes:
    """A library with one member; a column is text where its first cell is."""
    eight = "V8" if version == 8 else ""
    stamp = b"01JAN10:00:00:00"
    out = _header(f"LIB{eight or 'RARY'}") + b"SAS     SAS     SASLIB  9.4     X64_10  ".ljust(64) + stamp + stamp.ljust(80)
    out += _header(f"MEM{'BV8' if eight else 'BER'}", "000000000000000001600000000140") + _header(f"DSC{'PTV8' if eight else 'RPTR'}")
    out += b"SAS     SPXRAW  SASDATA 9.4     X64_10  ".ljust(64) + stamp + stamp.ljust(80)
    out += _header(f"NAM{'STV8' if eight else 'ESTR'}", f"{len(names):010d}" + "0" * 20)
    position, fields, lengths = 0, b"", []
    for k, name in enumerate(names):
        text = isinstance(rows[0][k], str)
        length = max(1, *(len(str(row[k])) for row in rows)) if text else 8
        field = (2 if text else 1).to_bytes(2, "big") + bytes(2) + length.to_bytes(2, "big") + (k + 1).to_bytes(2, "big")
        field += name[:8].ljust(8).encode() + name.ljust(40)[:40].encode() + b" " * 8 + bytes(8) + b" " * 8 + bytes(4) + position.to_bytes(4, "big")
        field += name.ljust(32).encode() if eight else b""
        fields += field.ljust(140, b"\0")
        position += length
        lengths.append((text, length))
    out += _filled(fields) + _header(f"OBS{'V8' if eight else ''}")
    body = b"".join(str(cell).ljust(length).encode() if text else ibm(float(cell)) for row in rows for cell, (text, length) in zip(row, lengths, strict=True))
    return out + _filled(body)
