/* SPDX-License-Identifier: Apache-2.0 */
/* Runtime services as an operating system has them: after ExitBootServices, at flat addresses. */
#include "bare/bare.h"
#include "base/tap.h"
#include "uefi/uefi.h"

static const struct guid own = PROBE_VENDOR;

enum { KEPT_BYTES = 200 };

static void test_variables(void)
{
    static u8 buffer[512];
    static const u8 value[] = "set at run time";
    uptr size = sizeof(buffer);
    u32 attributes = 0;
    efi_status status = efi.runtime->get_variable(u"ProbeKept", &own, &attributes, &size, buffer);

    test("F5 variables are read at run time", !status && size == KEPT_BYTES, "%s, %u bytes",
         efi_name(status), status ? 0 : (u32)size);
    size = sizeof(buffer);
    status = efi.runtime->get_variable(u"ProbeVolatile", &own, &attributes, &size, buffer);
    test("F5 variables without RUNTIME_ACCESS are hidden at run time", status == EFI_NOT_FOUND,
         "%s", efi_name(status));

    test_begin("F5 variables are set at run time");
    status = efi.runtime->set_variable(
        u"ProbeRuntime", &own, VARIABLE_NV | VARIABLE_BS | VARIABLE_RT, sizeof(value), value);
    if (status)
        test_bad("SetVariable: %s", efi_name(status));
    size = sizeof(buffer);
    if (!test_failed()) {
        status = efi.runtime->get_variable(u"ProbeRuntime", &own, &attributes, &size, buffer);
        if (status || size != sizeof(value) || memcmp(buffer, value, size))
            test_bad("GetVariable afterwards: %s", efi_name(status));
        status = efi.runtime->set_variable(u"ProbeRuntime", &own, attributes, 0, NULL);
        if (status)
            test_bad("it cannot be deleted: %s", efi_name(status));
    }
    test_fix(
        "use firmware that keeps variables where it can write at run time (flash, not the ESP)");
    test_end("set, read, deleted");
}

static void test_time(void)
{
    struct efi_time time;
    efi_status status = efi.runtime->get_time(&time, NULL);

    test("F7 GetTime works at run time", !status && time.year >= 1970 && time.month <= 12, "%s",
         efi_name(status));
}

void test_runtime(void)
{
    test_variables();
    test_time();
}
