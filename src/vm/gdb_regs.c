/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/gdb_regs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "arm/cpu.h"
#include "arm/exception.h"
#include "base/bits.h"

enum { SP = 31, PC = 32, CPSR = 33, V0 = 34, FPSR = 66, FPCR = 67 };

static void add(FILE *out, const char *name, unsigned bits, const char *type)
{
    fprintf(out, "<reg name=\"%s\" bitsize=\"%u\"%s%s%s/>", name, bits, type ? " type=\"" : "",
            type ? type : "", type ? "\"" : "");
}

static void add_vectors(FILE *out)
{
    static const struct {
        const char *id, *type;
        unsigned count;
    } views[] = {
        {"v2d", "ieee_double", 2}, {"v2u", "uint64", 2}, {"v4f", "ieee_single", 4},
        {"v4u", "uint32", 4},      {"v8u", "uint16", 8}, {"v16u", "uint8", 16},
        {"v1u", "uint128", 1},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(views); i++)
        fprintf(out, "<vector id=\"%s\" type=\"%s\" count=\"%u\"/>", views[i].id, views[i].type,
                views[i].count);
    fputs("<union id=\"aarch64v\">"
          "<field name=\"d\" type=\"v2d\"/><field name=\"du\" type=\"v2u\"/>"
          "<field name=\"s\" type=\"v4f\"/><field name=\"su\" type=\"v4u\"/>"
          "<field name=\"hu\" type=\"v8u\"/><field name=\"bu\" type=\"v16u\"/>"
          "<field name=\"qu\" type=\"v1u\"/></union>",
          out);
}

size_t gdb_target_xml(char *buf, size_t size)
{
    FILE *out = fmemopen(buf, size, "w");
    char name[8];
    long len;

    if (!out)
        return 0;
    fputs("<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target>"
          "<architecture>aarch64</architecture><feature name=\"org.gnu.gdb.aarch64.core\">",
          out);
    for (unsigned i = 0; i < 31; i++) {
        snprintf(name, sizeof(name), "x%u", i);
        add(out, name, 64, NULL);
    }
    add(out, "sp", 64, "data_ptr");
    add(out, "pc", 64, "code_ptr");
    add(out, "cpsr", 32, NULL);
    fputs("</feature><feature name=\"org.gnu.gdb.aarch64.fpu\">", out);
    add_vectors(out);
    for (unsigned i = 0; i < 32; i++) {
        snprintf(name, sizeof(name), "v%u", i);
        add(out, name, 128, "aarch64v");
    }
    add(out, "fpsr", 32, NULL);
    add(out, "fpcr", 32, NULL);
    fputs("</feature></target>", out);
    len = ftell(out);
    fclose(out);
    return len < 0 ? 0 : (size_t)len;
}

size_t gdb_reg_size(unsigned n)
{
    if (n >= GDB_REGS)
        return 0;
    if (n == CPSR || n >= FPSR)
        return 4;
    return n >= V0 ? 16 : 8;
}

size_t gdb_reg_read(const struct arm_cpu *cpu, unsigned n, void *buf)
{
    size_t size = gdb_reg_size(n);

    if (!size)
        return 0;
    if (n <= SP)
        st_le(buf, size, cpu->x[n]);
    else if (n == PC)
        st_le(buf, size, cpu->pc);
    else if (n == CPSR)
        st_le(buf, size, arm_pstate(cpu));
    else if (n < FPSR)
        memcpy(buf, cpu->v[n - V0].b, size);
    else
        st_le(buf, size, n == FPSR ? cpu->fpsr : cpu->fpcr);
    return size;
}

int gdb_reg_write(struct arm_cpu *cpu, unsigned n, const void *buf)
{
    size_t size = gdb_reg_size(n);
    uint64_t value = size && size <= 8 ? ld_le(buf, (unsigned)size) : 0;

    if (!size)
        return -EINVAL;
    if (n <= SP)
        cpu->x[n] = value;
    else if (n == PC)
        cpu->pc = value;
    else if (n == CPSR)
        return arm_set_pstate(cpu, value) ? 0 : -EINVAL;
    else if (n < FPSR)
        memcpy(cpu->v[n - V0].b, buf, size);
    else if (n == FPSR)
        cpu->fpsr = (uint32_t)value & ARM_FPSR_BITS;
    else
        cpu->fpcr = (uint32_t)value & arm_fpcr_bits(cpu->features);
    return 0;
}
