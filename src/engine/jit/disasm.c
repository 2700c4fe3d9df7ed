/* SPDX-License-Identifier: Apache-2.0 */
/* Disassembly for --trace code, by capstone where the build has it. */
#include "engine/jit/disasm.h"

#ifdef HAVE_CAPSTONE
#include <capstone/capstone.h>

static void disassemble(FILE *out, cs_arch arch, cs_mode mode, const uint8_t *code, size_t len,
                        uint64_t address)
{
    csh handle;
    cs_insn *insn;
    size_t count;

    if (cs_open(arch, mode, &handle) != CS_ERR_OK)
        return;
    cs_option(handle, CS_OPT_SKIPDATA, CS_OPT_ON);
    count = cs_disasm(handle, code, len, address, 0, &insn);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "  %016llx  %-8s %s\n", (unsigned long long)insn[i].address, insn[i].mnemonic,
                insn[i].op_str);
    if (count)
        cs_free(insn, count);
    cs_close(&handle);
}

void disasm_guest(FILE *out, const uint8_t *code, size_t len, uint64_t address)
{
    disassemble(out, CS_ARCH_ARM64, CS_MODE_ARM, code, len, address);
}

void disasm_host(FILE *out, const uint8_t *code, size_t len, uint64_t address)
{
    disassemble(out, CS_ARCH_X86, CS_MODE_64, code, len, address);
}

#else

static void dump(FILE *out, const uint8_t *code, size_t len, size_t width, uint64_t address)
{
    for (size_t at = 0; at < len; at += width) {
        fprintf(out, "  %016llx ", (unsigned long long)(address + at));
        for (size_t i = at; i < len && i < at + width; i++)
            fprintf(out, " %02x", code[i]);
        fputc('\n', out);
    }
}

void disasm_guest(FILE *out, const uint8_t *code, size_t len, uint64_t address)
{
    dump(out, code, len, 4, address);
}

void disasm_host(FILE *out, const uint8_t *code, size_t len, uint64_t address)
{
    dump(out, code, len, 16, address);
}

#endif
