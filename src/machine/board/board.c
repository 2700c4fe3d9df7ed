/* SPDX-License-Identifier: Apache-2.0 */
#include "machine/board/board_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "machine/mem/mem.h"
#include "machine/misc/pl061.h"

enum {
    DTB_ROOM = 2 << 20,          /* booting.rst: a tree is no larger */
    FIRMWARE_DTB_ROOM = 0x7c000, /* firmware's first stack lies behind the tree */
};

static int copy_string(const char **string)
{
    if (!*string)
        return 0;
    *string = strdup(*string);
    return *string ? 0 : -ENOMEM;
}

int board_alloc(const struct board_config *config, const struct board_map *map, struct board **out,
                struct error *err)
{
    struct board *board = calloc(1, sizeof(*board));
    if (!board)
        return error_set(err, -ENOMEM, "out of memory");
    board->config = *config;
    board->map = map;
    board->devices_end = &board->devices;
    const char **strings[] = {&board->config.cpu, &board->config.kernel, &board->config.initrd,
                              &board->config.append};
    int rc = 0;
    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
        if (rc)
            *strings[i] = NULL;
        else
            rc = copy_string(strings[i]);
    }
    if (!rc)
        rc = mem_create(&board->mem, err);
    if (rc) {
        board_destroy(board);
        return error_set(err, rc, "out of memory");
    }
    *out = board;
    return 0;
}

int board_add(struct board *board, struct device *dev, struct error *err)
{
    if (!dev)
        return error_set(err, -ENOMEM, "out of memory");
    dev->trace = board->config.trace;
    *board->devices_end = dev;
    board->devices_end = &dev->next;
    return device_map(dev, board->mem, err);
}

void board_connect(struct board *board, struct device *dev)
{
    for (unsigned i = 0; i < dev->resources.irqs; i++)
        if (!dev->resources.irq[i].ppi)
            dev->irq[i] = board->gic_line(board->gic, 0, 32 + dev->resources.irq[i].number);
}

/* --- memory contents -------------------------------------------------------------------------*/

/* The host's address of a piece of guest RAM that is about to be filled. */
static void *room(struct board *board, const char *what, uint64_t addr, uint64_t size,
                  struct error *err)
{
    void *to = mem_ptr(board->mem, addr, size, true);
    if (!to)
        error_set(err, -EFAULT, "%s (%llu bytes at 0x%llx) does not fit into the guest's memory",
                  what, (unsigned long long)size, (unsigned long long)addr);
    return to;
}

static int put_kernel(struct board *board, const struct kernel *kernel, struct error *err)
{
    for (unsigned i = 0; i < kernel->segments; i++) {
        const struct kernel_segment *s = &kernel->segment[i];
        uint64_t addr = board->layout.base + s->addr;
        void *to = room(board, board->config.kernel, addr, s->mem_size, err);
        int rc = to ? kernel_read_segment(kernel, i, to, err) : -EFAULT;
        if (rc)
            return rc;
        mem_written(board->mem, addr, s->mem_size);
    }
    return 0;
}

static int put_initrd(struct board *board, const struct fw_file *file, struct error *err)
{
    void *to = room(board, board->config.initrd, board->layout.initrd, file->size, err);
    int rc = to ? fw_file_read(file, 0, to, file->size, err) : -EFAULT;
    if (!rc)
        mem_written(board->mem, board->layout.initrd, file->size);
    return rc;
}

/* Kernel and initrd into memory, as board->layout says afterwards. */
static int load_files(struct board *board, struct error *err)
{
    struct kernel kernel;
    struct fw_file initrd = {.fd = -1};
    int rc = kernel_open(board->config.kernel, &kernel, err);
    if (rc)
        return rc;
    if (board->config.initrd)
        rc = fw_file_open(board->config.initrd, "initrd", &initrd, err);
    if (!rc)
        rc = kernel_place(&kernel, board->config.kernel, board->map->ram_base, board->config.memory,
                          initrd.size, DTB_ROOM, &board->layout, err);
    if (!rc)
        rc = put_kernel(board, &kernel, err);
    if (!rc && board->config.initrd)
        rc = put_initrd(board, &initrd, err);
    board->initrd_size = initrd.size;
    fw_file_close(&initrd);
    kernel_close(&kernel);
    return rc;
}

int board_load(struct board *board, struct error *err)
{
    void *fdt;
    size_t size;
    int rc = 0;
    if (board->config.kernel && !board->config.flash_code)
        rc = load_files(board, err);
    else
        board->layout = (struct kernel_layout){.dtb = board->map->ram_base};
    if (rc)
        return rc;
    rc = board_describe(board, &fdt, &size, err);
    if (rc)
        return rc;
    free(board->fdt);
    board->fdt = fdt;
    board->fdt_size = size;
    if (board->config.flash_code && size > FIRMWARE_DTB_ROOM)
        return error_set(err, -E2BIG,
                         "the device tree of %zu KiB is more than firmware has room for: give the "
                         "machine fewer CPUs or devices",
                         size >> 10);
    if (mem_write(board->mem, board->layout.dtb, fdt, size))
        return error_set(err, -EFAULT, "the device tree does not fit into the guest's memory");
    engine_reset(board->engine, board->layout.entry, board->layout.dtb);
    return 0;
}

/* --- life ------------------------------------------------------------------------------------*/

int board_start(struct board *board, struct error *err)
{
    if (!board->config.kernel && !board->config.flash_code)
        return error_set(err, -EINVAL,
                         "there is nothing to boot: give a disk image, or a kernel with --kernel");
    int rc = engine_start(board->engine, err);
    if (!rc)
        board->started = true;
    return rc;
}

int board_reset(struct board *board, struct error *err)
{
    engine_pause(board->engine);
    for (struct device *dev = board->devices; dev; dev = dev->next)
        if (dev->ops->reset)
            dev->ops->reset(dev);
    mem_clear(board->mem);
    int rc = board_load(board, err);
    /* After an error the PEs stand still; the caller ends the machine. */
    if (!rc)
        engine_resume(board->engine);
    return rc;
}

/* The last one first: until a device is gone, threads of its back end may raise interrupts at those
 * before it. */
static void destroy_devices(struct device *list)
{
    struct device *reversed = NULL;
    for (struct device *dev = list, *next; dev; dev = next) {
        next = dev->next;
        dev->next = reversed;
        reversed = dev;
    }
    for (struct device *dev = reversed, *next; dev; dev = next) {
        next = dev->next;
        dev->ops->destroy(dev);
    }
}

void board_destroy(struct board *board)
{
    if (!board)
        return;
    engine_destroy(board->engine);
    destroy_devices(board->devices);
    mem_destroy(board->mem);
    free(board->fdt);
    free((char *)board->config.cpu);
    free((char *)board->config.kernel);
    free((char *)board->config.initrd);
    free((char *)board->config.append);
    free(board);
}

bool board_power_button(struct board *board)
{
    return board->gpio && pl061_press_power(board->gpio);
}

struct engine *board_engine(struct board *board)
{
    return board->engine;
}

const void *board_fdt(const struct board *board, size_t *size)
{
    *size = board->fdt_size;
    return board->fdt;
}
