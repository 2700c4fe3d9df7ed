/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Disassembly for --trace code, by capstone where the build knew it and the host has it, else
 * bytes. The library is large (3 MiB once its relocations are done) and hardly ever wanted, so it
 * is loaded when it is.
 */
#include "engine/jit/disasm.h"

#include <stdbool.h>
#include <string.h>

static void dump(FILE *out, const uint8_t *code, size_t len, size_t width, uint64_t address)
{
    for (size_t at = 0; at < len; at += width) {
        fprintf(out, "  %016llx ", (unsigned long long)(address + at));
        for (size_t i = at; i < len && i < at + width; i++)
            fprintf(out, " %02x", code[i]);
        fputc('\n', out);
    }
}

#ifdef HAVE_CAPSTONE
#include <capstone/capstone.h>
#include <dlfcn.h>

#define TEXT_OF(x) #x
#define TEXT(x)    TEXT_OF(x)
#define LIBRARY    "libcapstone.so." TEXT(CS_API_MAJOR)

struct capstone {
    void *library;
    __typeof__(cs_open) *open;
    __typeof__(cs_option) *option;
    __typeof__(cs_disasm) *disasm;
    __typeof__(cs_free) *free;
    __typeof__(cs_close) *close;
};

/* fn is a pointer to a pointer to a function. */
static bool find(void *library, const char *name, void *fn)
{
    void *symbol = dlsym(library, name);

    memcpy(fn, &symbol, sizeof(symbol));
    return symbol;
}

/* Once loaded it stays. */
static bool load(struct capstone *cs)
{
    cs->library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!cs->library)
        return false;
    if (find(cs->library, "cs_open", &cs->open) && find(cs->library, "cs_option", &cs->option) &&
        find(cs->library, "cs_disasm", &cs->disasm) && find(cs->library, "cs_free", &cs->free) &&
        find(cs->library, "cs_close", &cs->close))
        return true;
    dlclose(cs->library);
    return false;
}

static bool disassemble(FILE *out, cs_arch arch, cs_mode mode, const uint8_t *code, size_t len,
                        uint64_t address)
{
    struct capstone cs;
    csh handle;
    cs_insn *insn;
    size_t count;

    if (!load(&cs))
        return false;
    if (cs.open(arch, mode, &handle) != CS_ERR_OK) {
        dlclose(cs.library);
        return false;
    }
    cs.option(handle, CS_OPT_SKIPDATA, CS_OPT_ON);
    count = cs.disasm(handle, code, len, address, 0, &insn);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "  %016llx  %-8s %s\n", (unsigned long long)insn[i].address, insn[i].mnemonic,
                insn[i].op_str);
    if (count)
        cs.free(insn, count);
    cs.close(&handle);
    dlclose(cs.library);
    return true;
}

static bool disassemble_guest(FILE *out, const uint8_t *code, size_t len, uint64_t address)
{
    return disassemble(out, CS_ARCH_ARM64, CS_MODE_ARM, code, len, address);
}

static bool disassemble_host(FILE *out, const uint8_t *code, size_t len, uint64_t address)
{
    return disassemble(out, CS_ARCH_X86, CS_MODE_64, code, len, address);
}

#else

static bool disassemble_guest(FILE *out, const uint8_t *code, size_t len, uint64_t address)
{
    return false;
}

static bool disassemble_host(FILE *out, const uint8_t *code, size_t len, uint64_t address)
{
    return false;
}

#endif

void disasm_guest(FILE *out, const uint8_t *code, size_t len, uint64_t address)
{
    if (!disassemble_guest(out, code, len, address))
        dump(out, code, len, 4, address);
}

void disasm_host(FILE *out, const uint8_t *code, size_t len, uint64_t address)
{
    if (!disassemble_host(out, code, len, address))
        dump(out, code, len, 16, address);
}
