#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a C file of a binary one:  embed.py NAME OUTPUT [INPUT]   without INPUT: of no bytes."""
import pathlib
import sys

name, output, *inputs = sys.argv[1:]
data = pathlib.Path(inputs[0]).read_bytes() if inputs else b""
with open(output, "w", encoding="ascii") as out:
    print("#include <stddef.h>\n#include <stdint.h>", file=out)
    print(f"extern const uint8_t {name}[];\nextern const size_t {name}_size;", file=out)
    print(f"const size_t {name}_size = {len(data)};\nconst uint8_t {name}[] = {{", file=out)
    for at in range(0, max(len(data), 1), 16):
        print(" ".join(f"{byte}," for byte in data[at:at + 16] or b"\0"), file=out)
    print("};", file=out)
