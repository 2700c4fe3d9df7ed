/* SPDX-License-Identifier: Apache-2.0 */
/* Boot services that every boot loader relies on (UEFI 2.10, chapter 7). */
#include "arch.h"
#include "base/tap.h"
#include "uefi/uefi.h"

/* A protocol that nobody else has. */
static const struct guid own_protocol = {
    0x0d2a5c1e, 0x6f0b, 0x4b6e, {0x9a, 0x41, 0x3c, 0x77, 0x15, 0xe0, 0x58, 0x2d}};

enum { POOL_BYTES = 5000, TPL_APPLICATION = 4, TPL_CALLBACK = 8, TPL_NOTIFY = 16 };
enum { EVENT_TIMER = 0x80000000, EVENT_NOTIFY_SIGNAL = 0x200, TIMER_RELATIVE = 2 };

static void check(const char *what, efi_status status)
{
    if (status)
        test_bad("%s: %s", what, efi_name(status));
}

static void test_allocation(void)
{
    u64 address = 0, first = 0;
    void *pool = NULL;

    test_begin("F1 memory is given and taken back");
    check("AllocatePages", efi.boot->allocate_pages(ALLOCATE_ANY, MEMORY_LOADER_DATA, 3, &address));
    if (!test_failed()) {
        if (!address || address % PAGE)
            test_bad("AllocatePages gave 0x%llx", address);
        memset((void *)(uptr)address, 0x5a, 3 * PAGE);
        first = address;
        check("FreePages", efi.boot->free_pages(address, 3));
        check("AllocatePages where it was",
              efi.boot->allocate_pages(ALLOCATE_AT, MEMORY_LOADER_DATA, 3, &address));
        if (!test_failed())
            check("FreePages", efi.boot->free_pages(address, 3));
    }
    check("AllocatePool", efi.boot->allocate_pool(MEMORY_LOADER_DATA, POOL_BYTES, &pool));
    if (pool) {
        if ((uptr)pool % 8)
            test_bad("AllocatePool gave 0x%llx, not aligned to 8", (u64)(uptr)pool);
        efi.boot->set_memory(pool, POOL_BYTES, 0xa5);
        efi.boot->copy_memory((u8 *)pool + 1, pool, POOL_BYTES - 1); /* may overlap */
        for (u32 i = 0; i < POOL_BYTES; i++)
            if (((u8 *)pool)[i] != 0xa5) {
                test_bad("SetMem or CopyMem left 0x%x at byte %u", ((u8 *)pool)[i], i);
                break;
            }
        check("FreePool", efi.boot->free_pool(pool));
    }
    test_end("pages at 0x%llx", first);
}

static void signalled(void *event, void *context)
{
    ++*(volatile u32 *)context;
}

/* An event of 20 ms, by the CPU's own counter. */
static u64 wait_event(void *event)
{
    u64 before = arch_counter();
    uptr index = 9;

    check("SetTimer", efi.boot->set_timer(event, TIMER_RELATIVE, 200000)); /* of 100 ns */
    check("WaitForEvent", efi.boot->wait_for_event(1, &event, &index));
    if (index)
        test_bad("WaitForEvent gave index %u", (u32)index);
    return (arch_counter() - before) * 1000 / arch_counter_hz();
}

/* Firmware that comes late to its tick, on a busy host, counts all of it for an event that was set
 * just before: one that is too early says nothing, all of them would. */
static void test_time(void)
{
    u64 before, longest = 0, stalled;
    void *event = NULL;

    test_begin("F1 timers and Stall keep the time");
    check("CreateEvent", efi.boot->create_event(EVENT_TIMER, 0, NULL, NULL, &event));
    for (u32 i = 0; event && i < 5 && longest < 10 && !test_failed(); i++) {
        u64 waited = wait_event(event);
        longest = waited > longest ? waited : longest;
    }
    if (event) {
        if (longest < 10)
            test_bad("events of 20 ms come after %llu at most", longest);
        check("CloseEvent", efi.boot->close_event(event));
    }
    before = arch_counter();
    check("Stall", efi.boot->stall(20000));
    stalled = (arch_counter() - before) * 1000 / arch_counter_hz();
    if (stalled < 19)
        test_bad("Stall(20 ms) took %llu ms", stalled);
    test_end("an event of 20 ms took %llu ms, a stall %llu ms", longest, stalled);
}

static void test_priorities(void)
{
    volatile u32 count = 0;
    void *event = NULL;
    uptr old;

    test_begin("F1 events wait for the task priority level");
    check("CreateEvent", efi.boot->create_event(EVENT_NOTIFY_SIGNAL, TPL_CALLBACK, signalled,
                                                (void *)&count, &event));
    if (event) {
        old = efi.boot->raise_tpl(TPL_NOTIFY);
        check("SignalEvent", efi.boot->signal_event(event));
        if (old != TPL_APPLICATION)
            test_bad("RaiseTPL says that the level was %u", (u32)old);
        if (count)
            test_bad("a notification at TPL_CALLBACK came at TPL_NOTIFY");
        efi.boot->restore_tpl(old);
        if (count != 1)
            test_bad("%u notifications after RestoreTPL", count);
        efi.boot->close_event(event);
    }
    test_end("%u notification", count);
}

static void test_protocols(void)
{
    static u32 interface;
    static const struct guid path = GUID_DEVICE_PATH;
    efi_handle handle = NULL, *handles = NULL;
    void *found = NULL;
    uptr count = 0;

    test_begin("F1 protocols are installed and found");
    check("InstallProtocolInterface",
          efi.boot->install_protocol(&handle, &own_protocol, 0, &interface));
    if (handle) {
        check("LocateProtocol", efi.boot->locate_protocol(&own_protocol, NULL, &found));
        if (found != &interface)
            test_bad("LocateProtocol found another interface");
        check("LocateHandleBuffer", /* by protocol */
              efi.boot->locate_handles(2, &own_protocol, NULL, &count, &handles));
        if (count != 1 || !handles || handles[0] != handle)
            test_bad("LocateHandleBuffer gave %u handles", (u32)count);
        if (handles)
            check("FreePool", efi.boot->free_pool(handles));
        check("UninstallProtocolInterface",
              efi.boot->uninstall_protocol(handle, &own_protocol, &interface));
        if (!efi.boot->locate_protocol(&own_protocol, NULL, &found))
            test_bad("a protocol is found after it was uninstalled");
    }
    handles = NULL;
    check("LocateHandleBuffer(device paths)",
          efi.boot->locate_handles(2, &path, NULL, &count, &handles));
    if (handles)
        efi.boot->free_pool(handles);
    test_end("%u device paths", (u32)count);
}

static void test_crc(void)
{
    u32 crc = 0;
    efi_status status = efi.boot->calculate_crc32((void *)"123456789", 9, &crc);

    test("F1 CalculateCrc32 computes CRC-32", !status && crc == 0xcbf43926, "%s, 0x%08x",
         efi_name(status), crc);
}

static void test_console(void)
{
    efi_status status = efi.system->out ? efi.system->out->test(efi.system->out, u"armvm") : 1;
    struct efi_key key;
    efi_status input = EFI_SUCCESS;

    test_begin("F1 the console is there");
    if (!efi.system->out)
        test_bad("no ConOut");
    else
        check("TestString", status);
    if (!efi.system->in)
        test_bad("no ConIn");
    else
        input = efi.system->in->read_key(efi.system->in, &key);
    if (input && input != EFI_NOT_READY)
        test_bad("ReadKeyStroke: %s", efi_name(input));
    test_end("ConOut and ConIn");
}

void test_boot_services(void)
{
    test_console();
    test_allocation();
    test_time();
    test_priorities();
    test_protocols();
    test_crc();
}
