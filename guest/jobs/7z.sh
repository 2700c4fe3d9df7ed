# SPDX-License-Identifier: Apache-2.0
# 7z's own benchmark with nothing left out: it checks what it unpacks.
7z b
