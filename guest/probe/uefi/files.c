/* SPDX-License-Identifier: Apache-2.0 */
/* The way by which boot loaders come: partitions, the file system, LoadImage (UEFI 2.10, 7.4, 13).
 */
#include "arch.h"
#include "base/tap.h"
#include "uefi/uefi.h"

static const struct guid loaded_image = GUID_LOADED_IMAGE, file_system = GUID_FILE_SYSTEM,
                         block_io = GUID_BLOCK_IO;

enum { FILE_MAX = 1 << 20 };

static void check(const char *what, efi_status status)
{
    if (status)
        test_bad("%s: %s", what, efi_name(status));
}

/* Opens and reads the file that we are. The buffer is from AllocatePool. */
static void *read_own_file(efi_handle device, uptr *size)
{
    struct efi_file_system *volume = NULL;
    struct efi_file *root = NULL, *file = NULL;
    void *buffer = NULL;

    check("HandleProtocol(SimpleFileSystem)",
          efi.boot->handle_protocol(device, &file_system, (void **)&volume));
    if (volume)
        check("OpenVolume", volume->open_volume(volume, &root));
    if (!root)
        return NULL;
    check("Open(" PROBE_PATH_TEXT ")", root->open(root, &file, PROBE_PATH, FILE_READ, 0));
    if (file && !efi.boot->allocate_pool(MEMORY_LOADER_DATA, FILE_MAX, &buffer)) {
        *size = FILE_MAX;
        check("Read", file->read(file, size, buffer));
        check("Close", file->close(file));
    }
    root->close(root);
    if (buffer && (*size < 4096 || *size == FILE_MAX || memcmp(buffer, "MZ", 2)))
        test_bad("%u bytes were read that are not this program", (u32)*size);
    return buffer;
}

static void test_load_image(void *file, uptr size)
{
    efi_handle handle = NULL;
    struct efi_loaded_image *loaded = NULL;

    test_begin("I5 LoadImage takes an EFI application of this architecture");
    check("LoadImage", efi.boot->load_image(0, efi.image, NULL, file, size, &handle));
    if (handle) {
        check("HandleProtocol(LoadedImage)",
              efi.boot->handle_protocol(handle, &loaded_image, (void **)&loaded));
        if (loaded && (!loaded->base || loaded->parent != efi.image))
            test_bad("the image is at 0x%llx, its parent is %s", (u64)(uptr)loaded->base,
                     loaded->parent == efi.image ? "this program" : "another");
        check("UnloadImage", efi.boot->unload_image(handle));
    }
    test_end("loaded and unloaded");
}

static void test_no_image(u8 *file, uptr size)
{
    efi_handle handle = NULL;
    efi_status status;

    file[0] ^= 0xff;
    status = efi.boot->load_image(0, efi.image, NULL, file, size, &handle);
    test("F1 LoadImage refuses what is no program", status & EFI_ERROR_BIT, "%s", efi_name(status));
    if (!status && handle)
        efi.boot->unload_image(handle);
}

static void test_blocks(void)
{
    efi_handle *handles = NULL;
    struct efi_block *block;
    u32 disks = 0, parts = 0, gpts = 0;
    u8 *buffer = NULL;
    uptr count = 0;

    test_begin("F1 disks and their partitions can be read");
    check("LocateHandleBuffer(BlockIO)",
          efi.boot->locate_handles(2, &block_io, NULL, &count, &handles));
    check("AllocatePool", efi.boot->allocate_pool(MEMORY_LOADER_DATA, 8192, (void **)&buffer));
    for (uptr i = 0; buffer && i < count; i++) {
        u8 *sector = (u8 *)align_up((uptr)buffer, 4096);
        if (efi.boot->handle_protocol(handles[i], &block_io, (void **)&block) ||
            !block->media->present || block->media->block_size > 4096)
            continue;
        parts += !!block->media->partition;
        disks += !block->media->partition;
        if (block->media->partition)
            continue;
        check("ReadBlocks",
              block->read(block, block->media->id, 1, block->media->block_size, sector));
        gpts += !memcmp(sector, "EFI PART", 8);
    }
    if (handles)
        efi.boot->free_pool(handles);
    if (buffer)
        efi.boot->free_pool(buffer);
    if (!test_failed() && (!gpts || !parts))
        test_bad("%u disks, %u of them with a GPT, %u partitions", disks, gpts, parts);
    test_end("%u disks, %u of them with a GPT, %u partitions", disks, gpts, parts);
}

void test_files(void)
{
    struct efi_loaded_image *self = NULL;
    void *file = NULL;
    uptr size = 0;

    test_begin("F1 the image knows where it came from, and its file can be read");
    check("HandleProtocol(LoadedImage)",
          efi.boot->handle_protocol(efi.image, &loaded_image, (void **)&self));
    if (self && (self->system != efi.system || !self->base || !self->size))
        test_bad("LoadedImage: base 0x%llx, size %llu", (u64)(uptr)self->base, self->size);
    if (self && !self->device)
        test_bad("LoadedImage has no device");
    else if (self)
        file = read_own_file(self->device, &size);
    test_end("%u bytes of " PROBE_PATH_TEXT, (u32)size);
    if (file) {
        test_load_image(file, size);
        test_no_image(file, size);
        efi.boot->free_pool(file);
    }
    test_blocks();
}
