/* SPDX-License-Identifier: Apache-2.0 */
/* Variables (UEFI 2.10, 8.2): what is set is there after a reset and after the power was off. */
#include "base/tap.h"
#include "uefi/uefi.h"

static const struct guid own = PROBE_VENDOR, global = GUID_GLOBAL_VARIABLE;
static const efi_char kept[] = u"ProbeKept", volatile_name[] = u"ProbeVolatile",
                      entry[] = u"Boot7A0E", order[] = u"BootOrder";

enum { ENTRY = 0x7a0e, KEPT_BYTES = 200, ORDER_MAX = 128 };
enum { PERSISTENT = VARIABLE_NV | VARIABLE_BS | VARIABLE_RT };

/* EFI_LOAD_OPTION (3.1.3): attributes, length of the path, description, path: one node of hardware
 * type "vendor" and the end. */
static const u8 load_option[] = {0,    0,    0,    0,    24,   0,    'a',  0,    'r',  0,    'm',
                                 0,    'v',  0,    'm',  0,    ' ',  0,    'p',  0,    'r',  0,
                                 'o',  0,    'b',  0,    'e',  0,    0,    0,    1,    4,    20,
                                 0,    0x1e, 0x5c, 0x2a, 0x0d, 0x0b, 0x6f, 0x6e, 0x4b, 0x9a, 0x41,
                                 0x3c, 0x77, 0x15, 0xe0, 0x58, 1,    0x7f, 0xff, 4,    0};

static u8 buffer[512];

static void pattern(u8 *data)
{
    for (u32 i = 0; i < KEPT_BYTES; i++)
        data[i] = (u8)(i * 7 + 3);
}

/* False and a finding when the variable is not as it was set. */
static bool holds(const char *what, const efi_char *name, const struct guid *vendor,
                  const void *data, uptr size, u32 attributes)
{
    uptr got = sizeof(buffer);
    u32 has = 0;
    efi_status status = efi.runtime->get_variable(name, vendor, &has, &got, buffer);

    if (status)
        test_bad("%s: %s", what, efi_name(status));
    else if (got != size || memcmp(buffer, data, size))
        test_bad("%s: its contents have changed (%u bytes of %u)", what, (u32)got, (u32)size);
    else if (has != attributes)
        test_bad("%s: attributes 0x%x, it was made with 0x%x", what, has, attributes);
    else
        return true;
    return false;
}

static void set(const char *what, const efi_char *name, const struct guid *vendor, u32 attributes,
                const void *data, uptr size)
{
    efi_status status = efi.runtime->set_variable(name, vendor, attributes, size, data);

    if (status)
        test_bad("SetVariable(%s): %s", what, efi_name(status));
}

/* Appends our entry to BootOrder, or takes it out. */
static void change_order(bool add)
{
    u16 list[ORDER_MAX];
    uptr size = sizeof(list) - 2, n = 0;
    u32 attributes;

    if (efi.runtime->get_variable(order, &global, &attributes, &size, list))
        size = 0;
    for (uptr i = 0; i < size / 2; i++)
        if (list[i] != ENTRY)
            list[n++] = list[i];
    if (add)
        list[n++] = ENTRY;
    if (n || size)
        set("BootOrder", order, &global, PERSISTENT, list, 2 * n);
}

static bool in_order(void)
{
    u16 list[ORDER_MAX];
    uptr size = sizeof(list);
    u32 attributes;

    if (efi.runtime->get_variable(order, &global, &attributes, &size, list))
        return false;
    for (uptr i = 0; i < size / 2; i++)
        if (list[i] == ENTRY)
            return true;
    return false;
}

/* Goes through all names: each must exist, and ours must be among them. */
static u32 enumerate(void)
{
    static efi_char name[512];
    struct guid vendor = {0, 0, 0, {0}};
    u32 count = 0;
    bool found = false;

    name[0] = 0;
    for (;;) {
        uptr size = sizeof(name), none = 0;
        efi_status status = efi.runtime->next_variable(&size, name, &vendor);
        if (status == EFI_NOT_FOUND && count)
            break;
        if (status || ++count > 10000) {
            test_bad("GetNextVariableName after %u names: %s", count, efi_name(status));
            break;
        }
        status = efi.runtime->get_variable(name, &vendor, NULL, &none, NULL);
        if (status && status != EFI_BUFFER_TOO_SMALL)
            test_bad("GetVariable of listed variable %u: %s", count, efi_name(status));
        found |= guid_equal(&vendor, &own) && !memcmp(name, kept, sizeof(kept));
    }
    if (!found)
        test_bad("GetNextVariableName does not list a variable that was set");
    return count;
}

void variables_set(void)
{
    u8 data[KEPT_BYTES];
    u64 most = 0, left = 0, largest = 0;
    u32 count;
    efi_status status;

    pattern(data);
    test_begin("F5 variables can be set, read and listed");
    set("ProbeKept", kept, &own, PERSISTENT, data, sizeof(data));
    set("ProbeVolatile", volatile_name, &own, VARIABLE_BS, data, 4);
    holds("ProbeKept", kept, &own, data, sizeof(data), PERSISTENT);
    holds("ProbeVolatile", volatile_name, &own, data, 4, VARIABLE_BS);
    count = enumerate();
    status = efi.runtime->query_variables(PERSISTENT, &most, &left, &largest);
    test_end("%u variables; QueryVariableInfo: %s, %llu of %llu bytes left", count,
             efi_name(status), left, most);

    test_begin("F4 a boot entry can be made");
    set("Boot7A0E", entry, &global, PERSISTENT, load_option, sizeof(load_option));
    change_order(true);
    if (!in_order())
        test_bad("BootOrder does not have the entry");
    test_end("Boot7A0E, at the end of BootOrder");
}

void variables_after(const char *what, bool lost)
{
    char name[80];
    u8 data[KEPT_BYTES];
    uptr none = 0;

    pattern(data);
    format(name, sizeof(name), "F5 variables survive %s", what);
    test_begin(name);
    if (lost)
        test_bad("the probe's variables are gone");
    else
        holds("ProbeKept", kept, &own, data, sizeof(data), PERSISTENT);
    if (efi.runtime->get_variable(volatile_name, &own, NULL, &none, NULL) != EFI_NOT_FOUND)
        test_bad("a variable without NON_VOLATILE is still there");
    test_fix(
        "keep the firmware's variables in a file of the VM (flash with a writable second bank)");
    test_end("ProbeKept, %u bytes", KEPT_BYTES);

    format(name, sizeof(name), "F4 a boot entry survives %s", what);
    test_begin(name);
    holds("Boot7A0E", entry, &global, load_option, sizeof(load_option), PERSISTENT);
    if (!in_order())
        test_bad("BootOrder has lost the entry");
    test_end("Boot7A0E, in BootOrder");
}

void variables_remove(void)
{
    uptr none = 0;

    test_begin("F5 variables can be deleted");
    set("ProbeKept", kept, &own, PERSISTENT, NULL, 0);
    set("Boot7A0E", entry, &global, PERSISTENT, NULL, 0);
    change_order(false);
    if (efi.runtime->get_variable(kept, &own, NULL, &none, NULL) != EFI_NOT_FOUND)
        test_bad("a deleted variable is still there");
    test_end("all of the probe's own");
}
