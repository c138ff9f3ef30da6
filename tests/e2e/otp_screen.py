"""Turns what a terminal showed into a PNG: otp_screen.py SCREEN PNG, or otp_screen.py --blank SIDE PNG."""
import re
import struct
import sys
import zlib

SCALE = 6


def png(path, rows):
    raw = b"".join(b"\0" + bytes(row) for row in rows)

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 0, 0, 0, 0)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b""))


def points(screen):
    """Rows of True (black) and False, from half blocks or from blanks in two colours."""
    rows = []
    for line in screen.splitlines():
        if "\033[30;47m" not in line:
            continue
        line = line[line.index("\033[30;47m") + len("\033[30;47m"):].split("\033[0m")[0]
        if "\033" in line or not re.search("[▀▄█]", line) and not blocks(screen):
            row, black = [], False
            for piece in re.findall("\033\\[(?:40|47)m|  ", line):
                if piece == "  ":
                    row.append(black)
                else:
                    black = "40" in piece
            rows.append(row)
        else:
            rows.append([c in "▀█" for c in line])
            rows.append([c in "▄█" for c in line])
    return rows


def blocks(screen):
    return re.search("[▀▄█]", screen) is not None


if sys.argv[1] == "--blank":
    side = int(sys.argv[2])
    png(sys.argv[3], [[255] * side] * side)
else:
    with open(sys.argv[1], encoding="utf-8") as file:
        found = points(file.read())
    white = [[255] * (len(found[0]) + 8) * SCALE] * (4 * SCALE)
    picture = list(white)
    for found_row in found:
        pixels = [255] * (4 * SCALE)
        for dark in found_row:
            pixels += [0 if dark else 255] * SCALE
        picture += [pixels + [255] * (4 * SCALE)] * SCALE
    png(sys.argv[2], picture + white)
