/* SPDX-License-Identifier: Apache-2.0 */
/* The default board with an engine that only notes what it is asked: memory contents, the device
 * tree through dtc, refusals, reset. */
#include "devtest.h"

#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arm/cpu.h"
#include "arm/hooks.h"
#include "backend/chr/chr.h"
#include "backend/nv/nv.h"
#include "base/bits.h"
#include "host/loop.h"
#include "machine/board/board.h"
#include "machine/flash/cfi.h"
#include "machine/fw/acpi/acpi.h"
#include "machine/fw/fw_cfg.h"

/* --- an engine -------------------------------------------------------------------------------*/

enum { RAM = 0x40000000, MIB = 1 << 20 };

struct engine {
    struct engine_config config;
    struct arm_cpu cpu[128];
    uint64_t pc, x0;
    unsigned resets, paused, resumed;
};

static void kick(struct arm_cpu *cpu)
{
}

static const struct arm_engine_ops engine_ops = {.kick = kick};

int engine_create(const struct engine_config *config, struct engine **engine, struct error *err)
{
    *engine = calloc(1, sizeof(**engine));
    (*engine)->config = *config;
    for (unsigned i = 0; i < config->cpus; i++) {
        (*engine)->cpu[i].index = i;
        (*engine)->cpu[i].engine_ops = &engine_ops;
        (*engine)->cpu[i].mpidr = 1ull << 31 | (i / 16) << 8 | i % 16;
    }
    return 0;
}

void engine_destroy(struct engine *engine)
{
    free(engine);
}

struct arm_cpu *engine_cpu(struct engine *engine, unsigned index)
{
    return &engine->cpu[index];
}

int engine_start(struct engine *engine, struct error *err)
{
    return 0;
}

void engine_pause(struct engine *engine)
{
    engine->paused++;
}

void engine_resume(struct engine *engine)
{
    engine->resumed++;
}

void engine_reset(struct engine *engine, uint64_t pc, uint64_t x0)
{
    engine->pc = pc;
    engine->x0 = x0;
    engine->resets++;
}

/* --- a kernel --------------------------------------------------------------------------------*/

static char kernel_path[] = "/tmp/armvm-board-kernel-XXXXXX";
static char initrd_path[] = "/tmp/armvm-board-initrd-XXXXXX";

static int make_files(void **state)
{
    uint8_t image[4096] = {0};
    st_le(image + 8, 8, 0);
    st_le(image + 16, 8, 3 * MIB);
    memcpy(image + 56, "ARM\x64", 4);
    memset(image + 64, 0xa5, sizeof(image) - 64);
    int fd = mkstemp(kernel_path);
    if (fd < 0 || write(fd, image, sizeof(image)) != sizeof(image))
        return -1;
    close(fd);
    fd = mkstemp(initrd_path);
    if (fd < 0 || write(fd, "initrd!", 7) != 7)
        return -1;
    close(fd);
    return 0;
}

static int remove_files(void **state)
{
    unlink(kernel_path);
    unlink(initrd_path);
    return 0;
}

static struct board *make(const struct board_config *config)
{
    struct board *board;
    struct error err = {0};
    if (board_virt_create(config, &board, &err))
        fail_msg("%s", err.text);
    return board;
}

static const struct board_config plain = {
    .cpus = 2,
    .memory = 64 * MIB,
    .kernel = kernel_path,
    .initrd = initrd_path,
    .append = "console=ttyAMA0",
    .rng = true,
};

static const void *prop(const void *fdt, const char *path, const char *name, int *len)
{
    int node = fdt_path_offset(fdt, path);
    assert_true(node >= 0);
    return fdt_getprop(fdt, node, name, len);
}

/* --- tests -----------------------------------------------------------------------------------*/

static void kernel_initrd_and_tree_are_in_memory(void **state)
{
    struct board *board = make(&plain);
    struct engine *engine = board_engine(board);
    struct mem *mem = engine->config.mem;
    uint8_t buf[8];
    size_t size;
    assert_int_equal(engine->pc, RAM);
    assert_int_equal(mem_read(mem, RAM + 64, buf, 1), 0);
    assert_int_equal(buf[0], 0xa5);
    assert_int_equal(engine->x0, RAM + 4 * MIB);
    assert_int_equal(mem_read(mem, engine->x0, buf, 4), 0);
    assert_int_equal(ld_be(buf, 4), 0xd00dfeed);
    const void *fdt = board_fdt(board, &size);
    int len;
    uint64_t start = ld_be(prop(fdt, "/chosen", "linux,initrd-start", &len), 8);
    uint64_t end = ld_be(prop(fdt, "/chosen", "linux,initrd-end", &len), 8);
    assert_int_equal(end - start, 7);
    assert_int_equal(mem_read(mem, start, buf, 7), 0);
    assert_memory_equal(buf, "initrd!", 7);
    assert_string_equal(prop(fdt, "/chosen", "bootargs", &len), "console=ttyAMA0");
    board_destroy(board);
}

static void reset_makes_memory_new_and_seeds_fresh(void **state)
{
    struct board *board = make(&plain);
    struct engine *engine = board_engine(board);
    struct mem *mem = engine->config.mem;
    struct error err = {0};
    uint8_t seed[32], buf[4];
    size_t size;
    int len;
    memcpy(seed, prop(board_fdt(board, &size), "/chosen", "rng-seed", &len), 32);
    assert_int_equal(mem_write(mem, RAM + 50 * MIB, "dirt", 4), 0);
    assert_int_equal(mem_write(mem, RAM + 64, "dirt", 4), 0);
    assert_int_equal(board_reset(board, &err), 0);
    assert_int_equal(mem_read(mem, RAM + 50 * MIB, buf, 4), 0);
    assert_int_equal(ld_le(buf, 4), 0);
    assert_int_equal(mem_read(mem, RAM + 64, buf, 4), 0);
    assert_int_equal(buf[0], 0xa5);
    assert_memory_not_equal(seed, prop(board_fdt(board, &size), "/chosen", "rng-seed", &len), 32);
    assert_int_equal(engine->resets, 2);
    assert_int_equal(engine->paused, 1);
    assert_int_equal(engine->resumed, 1);
    board_destroy(board);
}

static void check_with_dtc(const struct board_config *config)
{
    struct board *board = make(config);
    char path[] = "/tmp/armvm-board-dtb-XXXXXX", command[128], line[256] = "";
    size_t size;
    const void *fdt = board_fdt(board, &size);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, fdt, size), size);
    close(fd);
    snprintf(command, sizeof(command), "dtc -I dtb -O dts -o /dev/null %s 2>&1", path);
    FILE *dtc = popen(command, "re");
    assert_non_null(dtc);
    bool warned = fgets(line, sizeof(line), dtc) != NULL;
    int status = pclose(dtc);
    unlink(path);
    board_destroy(board);
    if (warned || status)
        fail_msg("dtc: %s", line);
}

/* The kernel's file serves as firmware code. */
static void with_firmware(struct board_config *config)
{
    struct nv_config code = {
        .path = kernel_path, .option = "", .size = CFI_BANK_SIZE, .readonly = true};
    struct nv_config vars = {.option = "", .size = CFI_BANK_SIZE};
    assert_int_equal(nv_open(&code, &config->flash_code, NULL), 0);
    assert_int_equal(nv_open(&vars, &config->flash_vars, NULL), 0);
}

static void close_firmware(struct board_config *config)
{
    nv_close(config->flash_code);
    nv_close(config->flash_vars);
}

static void dtc_has_no_complaint(void **state)
{
    struct board_config config = plain;
    if (system("dtc --version >/dev/null 2>&1") != 0) {
        print_message("dtc (package device-tree-compiler) is missing\n");
        skip();
    }
    for (unsigned gic = 2; gic <= 3; gic++) {
        config.gic = gic;
        config.cpus = gic == 2 ? 8 : 33;
        check_with_dtc(&config);
    }
    config.cpus = 1;
    config.cpu = "cortex-a72";
    config.initrd = config.append = NULL;
    check_with_dtc(&config);
    with_firmware(&config);
    check_with_dtc(&config);
    close_firmware(&config);
}

/* --- firmware --------------------------------------------------------------------------------*/

/* An item of fw_cfg, by its registers. */
static void item(struct mem *mem, uint16_t key, uint8_t *data, unsigned len)
{
    wr(mem, 0x09020008, 2, __builtin_bswap16(key));
    for (unsigned i = 0; i < len; i++)
        data[i] = (uint8_t)rd(mem, 0x09020000, 1);
}

static void firmware_starts_at_zero_with_the_tree_at_the_start_of_ram(void **state)
{
    struct board_config config = plain;
    with_firmware(&config);
    struct board *board = make(&config);
    struct engine *engine = board_engine(board);
    struct mem *mem = engine->config.mem;
    uint8_t buf[16];
    size_t size;
    int len;
    assert_int_equal(engine->pc, 0);
    assert_int_equal(engine->x0, RAM);
    assert_int_equal(mem_read(mem, RAM, buf, 4), 0);
    assert_int_equal(ld_be(buf, 4), 0xd00dfeed);
    assert_int_equal(mem_read(mem, 64, buf, 1), 0);
    assert_int_equal(buf[0], 0xa5);
    const void *fdt = board_fdt(board, &size);
    assert_true(size < 0x7c000);
    assert_string_equal(prop(fdt, "/flash@0", "compatible", &len), "cfi-flash");
    prop(fdt, "/flash@0", "reg", &len);
    assert_int_equal(len, 32);
    assert_null(prop(fdt, "/chosen", "bootargs", &len));
    assert_null(prop(fdt, "/chosen", "linux,initrd-start", &len));
    board_destroy(board);
    close_firmware(&config);
}

static void firmware_is_offered_the_kernel(void **state)
{
    struct board_config config = plain;
    with_firmware(&config);
    struct board *board = make(&config);
    struct mem *mem = board_engine(board)->config.mem;
    uint8_t buf[80];
    item(mem, FW_CFG_KERNEL_SIZE, buf, 4);
    assert_int_equal(ld_le(buf, 4), 4096);
    item(mem, FW_CFG_KERNEL, buf, 65);
    assert_memory_equal(buf + 56, "ARM\x64", 4);
    assert_int_equal(buf[64], 0xa5);
    item(mem, FW_CFG_INITRD, buf, 8);
    assert_memory_equal(buf, "initrd!", 8);
    item(mem, FW_CFG_COMMAND_LINE_SIZE, buf, 4);
    assert_int_equal(ld_le(buf, 4), 16);
    item(mem, FW_CFG_COMMAND_LINE, buf, 16);
    assert_string_equal(buf, "console=ttyAMA0");
    board_destroy(board);
    close_firmware(&config);
}

static void reset_keeps_what_firmware_programmed(void **state)
{
    struct board_config config = plain;
    struct error err = {0};
    with_firmware(&config);
    struct board *board = make(&config);
    struct mem *mem = board_engine(board)->config.mem;
    uint32_t word;
    wr32(mem, CFI_BANK_SIZE, 0x00200020);
    wr32(mem, CFI_BANK_SIZE, 0x00d000d0);
    wr32(mem, CFI_BANK_SIZE, 0x00400040);
    wr32(mem, CFI_BANK_SIZE, 0x600dcafe);
    assert_false(mem_is_direct(mem_find(mem, CFI_BANK_SIZE)));
    assert_int_equal(board_reset(board, &err), 0);
    assert_true(mem_is_direct(mem_find(mem, CFI_BANK_SIZE)));
    assert_int_equal(mem_read(mem, CFI_BANK_SIZE, &word, 4), 0);
    assert_int_equal(word, 0x600dcafe);
    board_destroy(board);
    close_firmware(&config);
}

static void the_tree_names_each_cpu_by_its_affinity(void **state)
{
    struct board_config config = plain;
    config.cpus = 18;
    struct board *board = make(&config);
    size_t size;
    int len;
    const void *fdt = board_fdt(board, &size);
    assert_int_equal(ld_be(prop(fdt, "/cpus/cpu@101", "reg", &len), 4), 0x101);
    assert_string_equal(prop(fdt, "/cpus/cpu@101", "enable-method", &len), "psci");
    board_destroy(board);
}

static void only_slots_in_use_are_described(void **state)
{
    struct board *board = make(&plain);
    struct mem *mem = board_engine(board)->config.mem;
    size_t size;
    const void *fdt = board_fdt(board, &size);
    assert_true(fdt_path_offset(fdt, "/virtio_mmio@a000000") > 0);
    assert_true(fdt_path_offset(fdt, "/virtio_mmio@a000200") < 0);
    assert_int_equal(rd32(mem, 0x0a000000), 0x74726976);
    assert_int_equal(rd32(mem, 0x0a000008), 4);
    assert_int_equal(rd32(mem, 0x0a003e00), 0x74726976);
    assert_int_equal(rd32(mem, 0x0a003e08), 0);
    board_destroy(board);
}

static void pci_devices_are_in_order_and_have_no_node(void **state)
{
    struct board_config config = plain;
    config.virtio_bus = BOARD_BUS_PCI;
    struct board *board = make(&config);
    struct mem *mem = board_engine(board)->config.mem;
    size_t size;
    int len;
    const void *fdt = board_fdt(board, &size);
    assert_true(fdt_path_offset(fdt, "/virtio_mmio@a000000") < 0);
    assert_int_equal(ld_be(prop(fdt, "/pcie@4010000000", "reg", &len), 8), 0x4010000000);
    assert_int_equal(rd32(mem, 0x4010000000), 0x00081b36);
    assert_int_equal(rd32(mem, 0x4010008000), 0x10441af4);
    assert_int_equal(rd32(mem, 0x4010010000), ~0u);
    assert_int_equal(rd32(mem, 0x0a000008), 0);
    board_destroy(board);
}

static void pci_messages_go_to_the_frame_or_the_its(void **state)
{
    struct board_config config = plain;
    for (config.gic = 2; config.gic <= 3; config.gic++) {
        struct board *board = make(&config);
        struct mem *mem = board_engine(board)->config.mem;
        size_t size;
        int len;
        const void *fdt = board_fdt(board, &size);
        const void *parent = prop(fdt, "/pcie@4010000000", "msi-parent", &len);
        if (config.gic == 2) {
            const void *frame = prop(fdt, "/intc@8000000/v2m@8020000", "phandle", &len);
            assert_non_null(parent);
            assert_memory_equal(parent, frame, 4);
            assert_int_equal(rd32(mem, 0x08020008), 80 << 16 | 64);
        } else {
            const void *map = prop(fdt, "/pcie@4010000000", "msi-map", &len);
            const void *its = prop(fdt, "/intc@8000000/msi-controller@8080000", "phandle", &len);
            assert_null(parent);
            assert_non_null(map);
            assert_memory_equal((const char *)map + 4, its, 4);
        }
        board_destroy(board);
    }
}

static void a_device_interrupt_reaches_the_cpu(void **state)
{
    struct board *board = make(&plain);
    struct engine *engine = board_engine(board);
    struct mem *mem = engine->config.mem;
    const struct arm_hooks *hooks = engine->config.hooks;
    uint64_t value;
    wr32(mem, 0x08000000, 3);      /* GICD_CTLR */
    wr32(mem, 0x08000084, ~0u);    /* SPIs in Group 1 */
    wr32(mem, 0x08000104, 1 << 1); /* GICD_ISENABLER1: the UART */
    wr32(mem, 0x080a0014, 0);      /* GICR_WAKER */
    assert_true(hooks->icc_write(hooks->gic, 0, ARM_SYSREG(3, 0, 4, 6, 0), 0xff));
    assert_true(hooks->icc_write(hooks->gic, 0, ARM_SYSREG(3, 0, 12, 12, 7), 1));
    assert_int_equal(engine->cpu[0].lines, 0);
    wr32(mem, 0x09000038, 0x20); /* UARTIMSC.TXIM */
    wr32(mem, 0x09000000, 'x');
    assert_int_equal(engine->cpu[0].lines, ARM_LINE_IRQ);
    assert_true(hooks->icc_read(hooks->gic, 0, ARM_SYSREG(3, 0, 12, 12, 0), &value));
    assert_int_equal(value, 33);
    assert_int_equal(engine->cpu[0].lines, 0);
    board_destroy(board);
}

static void a_gicv3_has_an_its_that_reset_disables(void **state)
{
    struct board_config config = plain;
    struct board *board = make(&config);
    struct mem *mem = board_engine(board)->config.mem;
    struct error err = {0};
    size_t size;
    int len;
    const char *its = "/intc@8000000/msi-controller@8080000";
    assert_int_equal(ld_be(prop(board_fdt(board, &size), its, "reg", &len), 8), 0x08080000);
    assert_int_equal(ld_be(prop(board_fdt(board, &size), its, "#msi-cells", &len), 4), 1);
    assert_int_equal(rd32(mem, 0x0808ffe8) >> 4 & 15, 3); /* GITS_PIDR2 */
    wr32(mem, 0x08080000, 1);                             /* GITS_CTLR */
    wr32(mem, 0x080a0000, 1);                             /* GICR_CTLR.EnableLPIs */
    assert_int_equal(rd32(mem, 0x08080000) & 1, 1);
    assert_int_equal(rd32(mem, 0x080a0000) & 1, 1);
    assert_int_equal(board_reset(board, &err), 0);
    assert_int_equal(rd32(mem, 0x08080000) & 1, 0);
    assert_int_equal(rd32(mem, 0x080a0000) & 1, 0);
    board_destroy(board);
    config.gic = 2;
    board = make(&config);
    mem = board_engine(board)->config.mem;
    assert_true(fdt_path_offset(board_fdt(board, &size), its) < 0);
    assert_null(mem_find(mem, 0x08080000));
    board_destroy(board);
}

static void the_power_button_needs_a_listener(void **state)
{
    struct board *board = make(&plain);
    struct mem *mem = board_engine(board)->config.mem;
    assert_false(board_power_button(board));
    wr32(mem, 0x09030410, 1 << 3);
    assert_true(board_power_button(board));
    board_destroy(board);
}

/* --- ACPI -------------------------------------------------------------------------------------*/

/* A table of the board as a copy, or NULL. */
static uint8_t *acpi_table(struct board *board, const char *signature, size_t *size)
{
    struct acpi_files files;
    struct error err = {0};
    uint8_t *table = NULL;
    size_t at = 0;
    if (board_acpi(board, &files, &err))
        fail_msg("%s", err.text);
    while (acpi_next_table(&files, &at, &table, size) && memcmp(table, signature, 4)) {
        free(table);
        table = NULL;
    }
    acpi_files_free(&files);
    return table;
}

static void acpi_has_the_devices_that_the_tree_has(void **state)
{
    struct board *board = make(&plain);
    size_t size;
    uint8_t *dsdt = acpi_table(board, "DSDT", &size);
    static const char *const there[] = {"C000", "C001", "COM0", "PWRB", "GED0", "VR00", "PCI0"};
    static const char *const not_there[] = {"C002", "VR01", "FWCF"};
    assert_non_null(dsdt);
    for (size_t i = 0; i < ARRAY_SIZE(there); i++)
        assert_non_null(memmem(dsdt, size, there[i], 4));
    for (size_t i = 0; i < ARRAY_SIZE(not_there); i++)
        assert_null(memmem(dsdt, size, not_there[i], 4));
    free(dsdt);
    board_destroy(board);
}

/* Whether the machine has a PL011 is the same in the tree, in ACPI and on the bus. */
static void check_uart(const struct board_config *config, bool there)
{
    struct board *board = make(config);
    struct mem *mem = board_engine(board)->config.mem;
    size_t size;
    uint64_t flags;
    const void *fdt = board_fdt(board, &size);
    int chosen = fdt_path_offset(fdt, "/chosen");
    assert_int_equal(fdt_path_offset(fdt, "/pl011@9000000") > 0, there);
    assert_int_equal(fdt_path_offset(fdt, "/aliases") > 0, there);
    assert_int_equal(fdt_getprop(fdt, chosen, "stdout-path", NULL) != NULL, there);
    assert_int_equal(fdt_node_offset_by_compatible(fdt, -1, "arm,pl011") > 0, there);
    assert_int_equal(mem_io_read(mem, 0x09000018, 4, &flags) == 0, there);
    uint8_t *dsdt = acpi_table(board, "DSDT", &size);
    assert_int_equal(memmem(dsdt, size, "COM0", 4) != NULL, there);
    assert_int_equal(memmem(dsdt, size, "ARMH0011", 8) != NULL, there);
    free(dsdt);
    uint8_t *spcr = acpi_table(board, "SPCR", &size), *dbg2 = acpi_table(board, "DBG2", &size);
    assert_int_equal(spcr != NULL, there);
    assert_int_equal(dbg2 != NULL, there);
    free(spcr);
    free(dbg2);
    board_destroy(board);
}

static void a_virtio_console_is_alone_unless_the_serial_port_is_asked_for(void **state)
{
    struct board_config config = plain;
    struct chr *console, *serial;
    struct loop *loop;
    assert_int_equal(loop_create(&loop, NULL), 0);
    assert_int_equal(chr_create(loop, "none", &console, NULL), 0);
    assert_int_equal(chr_create(loop, "none", &serial, NULL), 0);
    check_uart(&config, true);
    config.virtio_console = console;
    check_uart(&config, false);
    if (!system("dtc --version >/dev/null 2>&1"))
        check_with_dtc(&config);
    config.serial = serial;
    check_uart(&config, true);
    chr_destroy(console);
    chr_destroy(serial);
    loop_destroy(loop);
}

static void acpi_names_each_cpu_by_its_affinity(void **state)
{
    struct board_config config = plain;
    config.cpus = 18;
    struct board *board = make(&config);
    size_t size;
    uint8_t *madt = acpi_table(board, "APIC", &size);
    assert_non_null(madt);
    const uint8_t *gicc = madt + 44 + 24 + 17 * 80;
    assert_int_equal(gicc[0], 0x0b);
    assert_int_equal(ld_le(gicc + 8, 4), 17);
    assert_int_equal(ld_le(gicc + 68, 8), 0x101);
    free(madt);
    board_destroy(board);
}

static void acpi_interrupts_are_those_of_the_resources(void **state)
{
    struct board *board = make(&plain);
    size_t size;
    uint8_t *spcr = acpi_table(board, "SPCR", &size);
    assert_int_equal(ld_le(spcr + 44, 8), 0x09000000);
    assert_int_equal(ld_le(spcr + 54, 4), 33);
    free(spcr);
    uint8_t *gtdt = acpi_table(board, "GTDT", &size);
    assert_int_equal(ld_le(gtdt + 48, 4), 29);
    assert_int_equal(ld_le(gtdt + 64, 4), 27);
    free(gtdt);
    board_destroy(board);
}

/* Selects a key of fw_cfg, reads its first bytes. */
static void read_item(struct mem *mem, uint16_t key, uint8_t *data, size_t size)
{
    uint8_t raw[2];
    st_be(raw, 2, key);
    wr(mem, 0x09020008, 2, ld_le(raw, 2));
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)rd(mem, 0x09020000, 1);
}

static bool firmware_has(struct mem *mem, const char *name)
{
    enum { DIRECTORY = 0x19, ENTRY = 64, MOST = 64 };
    static uint8_t directory[4 + ENTRY * MOST];
    read_item(mem, DIRECTORY, directory, sizeof(directory));
    size_t count = ld_be(directory, 4);
    assert_true(count <= MOST);
    for (size_t i = 0; i < count; i++)
        if (!strcmp((const char *)directory + 4 + ENTRY * i + 8, name))
            return true;
    return false;
}

static void firmware_gets_acpi_only_when_asked(void **state)
{
    static const struct nv_config code = {
        .path = kernel_path, .option = "--firmware", .size = 64 * MIB, .readonly = true};
    static const struct nv_config vars = {.option = "--vars", .size = 64 * MIB};
    struct board_config config = plain;
    struct error err = {0};
    if (nv_open(&code, &config.flash_code, &err) || nv_open(&vars, &config.flash_vars, &err))
        fail_msg("%s", err.text);
    for (unsigned acpi = 0; acpi < 2; acpi++) {
        config.acpi = acpi;
        struct board *board = make(&config);
        struct mem *mem = board_engine(board)->config.mem;
        assert_int_equal(firmware_has(mem, "etc/table-loader"), acpi);
        assert_int_equal(firmware_has(mem, "etc/acpi/tables"), acpi);
        assert_int_equal(firmware_has(mem, "etc/acpi/rsdp"), acpi);
        assert_true(firmware_has(mem, "etc/smbios/smbios-anchor"));
        assert_true(firmware_has(mem, "etc/smbios/smbios-tables"));
        board_destroy(board);
    }
    nv_close(config.flash_code);
    nv_close(config.flash_vars);
}

static void wrong_configurations_are_refused_with_a_reason(void **state)
{
    static const struct {
        struct board_config config;
        const char *says;
    } bad[] = {
        {{.cpus = 9, .memory = 64 * MIB, .gic = 2}, "GICv2"},
        {{.cpus = 0, .memory = 64 * MIB}, "--cpus 0"},
        {{.cpus = 124, .memory = 64 * MIB}, "123"},
        {{.cpus = 1, .memory = 64 * MIB, .gic = 4}, "--gic 4"},
        {{.cpus = 1, .memory = 0}, "--memory"},
        {{.cpus = 1, .memory = 1ull << 45}, "--memory"},
        {{.cpus = 1, .memory = 8 * MIB, .kernel = kernel_path, .initrd = "/dev/null"}, "/dev/null"},
        {{.cpus = 1, .memory = 8 * MIB, .kernel = "/nowhere"}, "/nowhere"},
        {{.cpus = 1, .memory = 64 * MIB, .kernel = "/"}, "directory"},
        {{.cpus = 1, .memory = 64 * MIB, .initrd = initrd_path}, "--kernel"},
        {{.cpus = 1, .memory = 64 * MIB, .cpu = "pentium"}, "pentium"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct board *board = NULL;
        struct error err = {0};
        assert_true(board_virt_create(&bad[i].config, &board, &err) < 0);
        assert_null(board);
        if (!strstr(err.text, bad[i].says))
            fail_msg("\"%s\" does not mention %s", err.text, bad[i].says);
        assert_null(strchr(err.text, '\n'));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kernel_initrd_and_tree_are_in_memory),
        cmocka_unit_test(reset_makes_memory_new_and_seeds_fresh),
        cmocka_unit_test(dtc_has_no_complaint),
        cmocka_unit_test(firmware_starts_at_zero_with_the_tree_at_the_start_of_ram),
        cmocka_unit_test(firmware_is_offered_the_kernel),
        cmocka_unit_test(reset_keeps_what_firmware_programmed),
        cmocka_unit_test(the_tree_names_each_cpu_by_its_affinity),
        cmocka_unit_test(only_slots_in_use_are_described),
        cmocka_unit_test(pci_devices_are_in_order_and_have_no_node),
        cmocka_unit_test(pci_messages_go_to_the_frame_or_the_its),
        cmocka_unit_test(a_device_interrupt_reaches_the_cpu),
        cmocka_unit_test(a_gicv3_has_an_its_that_reset_disables),
        cmocka_unit_test(the_power_button_needs_a_listener),
        cmocka_unit_test(acpi_has_the_devices_that_the_tree_has),
        cmocka_unit_test(a_virtio_console_is_alone_unless_the_serial_port_is_asked_for),
        cmocka_unit_test(acpi_names_each_cpu_by_its_affinity),
        cmocka_unit_test(acpi_interrupts_are_those_of_the_resources),
        cmocka_unit_test(firmware_gets_acpi_only_when_asked),
        cmocka_unit_test(wrong_configurations_are_refused_with_a_reason),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
