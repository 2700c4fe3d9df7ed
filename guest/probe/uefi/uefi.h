/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the UEFI specification that the probe uses (2.10; chapters in the comments). What is
 * not used has its place and no type. */
#ifndef PROBE_UEFI_H
#define PROBE_UEFI_H

#include "base/base.h"

typedef uptr efi_status; /* the top bit: an error */
typedef void *efi_handle;
typedef u16 efi_char;

#define EFI_ERROR_BIT (1ul << (8 * sizeof(uptr) - 1))
#define EFI_ERROR(n)  (EFI_ERROR_BIT | (n))

enum { EFI_SUCCESS = 0 };
#define EFI_LOAD_ERROR        EFI_ERROR(1)
#define EFI_INVALID_PARAMETER EFI_ERROR(2)
#define EFI_UNSUPPORTED       EFI_ERROR(3)
#define EFI_BUFFER_TOO_SMALL  EFI_ERROR(5)
#define EFI_NOT_READY         EFI_ERROR(6)
#define EFI_NOT_FOUND         EFI_ERROR(14)

struct guid {
    u32 a;
    u16 b, c;
    u8 d[8];
};

/* 4.2 */
struct efi_header {
    u64 signature;
    u32 revision, size, crc32, reserved;
};

#define EFI_SYSTEM_SIGNATURE  0x5453595320494249ull /* "IBI SYST" */
#define EFI_BOOT_SIGNATURE    0x56524553544f4f42ull /* "BOOTSERV" */
#define EFI_RUNTIME_SIGNATURE 0x56524553544e5552ull /* "RUNTSERV" */

/* 7.2 */
enum efi_memory_type {
    MEMORY_RESERVED,
    MEMORY_LOADER_CODE,
    MEMORY_LOADER_DATA,
    MEMORY_BOOT_CODE,
    MEMORY_BOOT_DATA,
    MEMORY_RUNTIME_CODE,
    MEMORY_RUNTIME_DATA,
    MEMORY_CONVENTIONAL,
    MEMORY_UNUSABLE,
    MEMORY_ACPI_RECLAIM,
    MEMORY_ACPI_NVS,
    MEMORY_MMIO,
    MEMORY_MMIO_PORT,
    MEMORY_PAL,
    MEMORY_PERSISTENT,
};
enum { ALLOCATE_ANY, ALLOCATE_BELOW, ALLOCATE_AT };

struct efi_memory {
    u32 type, pad;
    u64 physical, virtual, pages, attributes;
};
#define EFI_MEMORY_RUNTIME (1ull << 63)

/* 8.3 */
struct efi_time {
    u16 year;
    u8 month, day, hour, minute, second, pad1;
    u32 nanosecond;
    short zone;
    u8 daylight, pad2;
};
struct efi_time_capabilities {
    u32 resolution, accuracy;
    u8 sets_to_zero;
};

/* 12.3, 12.4 */
struct efi_key {
    u16 scan;
    efi_char character;
};
struct efi_text_input {
    efi_status (*reset)(struct efi_text_input *, bool extended);
    efi_status (*read_key)(struct efi_text_input *, struct efi_key *key);
    void *wait_for_key;
};
struct efi_text_output {
    efi_status (*reset)(struct efi_text_output *, bool extended);
    efi_status (*output)(struct efi_text_output *, const efi_char *text);
    efi_status (*test)(struct efi_text_output *, const efi_char *text);
    void *query_mode, *set_mode, *set_attribute, *clear, *set_cursor, *enable_cursor, *mode;
};

/* 7 */
struct efi_boot {
    struct efi_header header;
    uptr (*raise_tpl)(uptr level);
    void (*restore_tpl)(uptr level);
    efi_status (*allocate_pages)(u32 how, u32 type, uptr pages, u64 *address);
    efi_status (*free_pages)(u64 address, uptr pages);
    efi_status (*get_memory_map)(uptr *size, void *map, uptr *key, uptr *entry, u32 *version);
    efi_status (*allocate_pool)(u32 type, uptr size, void **buffer);
    efi_status (*free_pool)(void *buffer);
    efi_status (*create_event)(u32 type, uptr level, void (*notify)(void *event, void *context),
                               void *context, void **event);
    efi_status (*set_timer)(void *event, u32 how, u64 time);
    efi_status (*wait_for_event)(uptr count, void **events, uptr *index);
    efi_status (*signal_event)(void *event);
    efi_status (*close_event)(void *event);
    efi_status (*check_event)(void *event);
    efi_status (*install_protocol)(efi_handle *handle, const struct guid *guid, u32 type,
                                   void *interface);
    void *reinstall_protocol;
    efi_status (*uninstall_protocol)(efi_handle handle, const struct guid *guid, void *interface);
    efi_status (*handle_protocol)(efi_handle handle, const struct guid *guid, void **interface);
    void *reserved, *register_notify, *locate_handle, *locate_device_path, *install_table;
    efi_status (*load_image)(u8 boot_policy, efi_handle parent, void *path, void *source, uptr size,
                             efi_handle *image);
    void *start_image, *exit;
    efi_status (*unload_image)(efi_handle image);
    efi_status (*exit_boot_services)(efi_handle image, uptr key);
    efi_status (*next_monotonic_count)(u64 *count);
    efi_status (*stall)(uptr microseconds);
    efi_status (*set_watchdog)(uptr seconds, u64 code, uptr size, efi_char *text);
    void *connect, *disconnect, *open_protocol, *close_protocol, *open_information;
    void *protocols_per_handle;
    efi_status (*locate_handles)(u32 how, const struct guid *guid, void *key, uptr *count,
                                 efi_handle **handles);
    efi_status (*locate_protocol)(const struct guid *guid, void *registration, void **interface);
    void *install_multiple, *uninstall_multiple;
    efi_status (*calculate_crc32)(void *data, uptr size, u32 *crc);
    void (*copy_memory)(void *to, const void *from, uptr size);
    void (*set_memory)(void *at, uptr size, u8 value);
    void *create_event_ex;
};

/* 8 */
struct efi_runtime {
    struct efi_header header;
    efi_status (*get_time)(struct efi_time *time, struct efi_time_capabilities *capabilities);
    efi_status (*set_time)(struct efi_time *time);
    void *get_wakeup, *set_wakeup, *set_virtual_map, *convert_pointer;
    efi_status (*get_variable)(const efi_char *name, const struct guid *vendor, u32 *attributes,
                               uptr *size, void *data);
    efi_status (*next_variable)(uptr *size, efi_char *name, struct guid *vendor);
    efi_status (*set_variable)(const efi_char *name, const struct guid *vendor, u32 attributes,
                               uptr size, const void *data);
    void *next_high_count;
    void (*reset_system)(u32 how, efi_status status, uptr size, const void *data);
    void *update_capsule, *query_capsule;
    efi_status (*query_variables)(u32 attributes, u64 *most, u64 *left, u64 *largest);
};
enum { VARIABLE_NV = 1, VARIABLE_BS = 2, VARIABLE_RT = 4 };
enum { RESET_COLD, RESET_WARM, RESET_SHUTDOWN };

/* 4.3, 4.6 */
struct efi_table {
    struct guid guid;
    void *table;
};
struct efi_system {
    struct efi_header header;
    const efi_char *vendor;
    u32 firmware_revision;
    efi_handle in_handle;
    struct efi_text_input *in;
    efi_handle out_handle;
    struct efi_text_output *out;
    efi_handle error_handle;
    struct efi_text_output *error;
    struct efi_runtime *runtime;
    struct efi_boot *boot;
    uptr tables;
    struct efi_table *table;
};

/* 9.1 */
struct efi_loaded_image {
    u32 revision;
    efi_handle parent;
    struct efi_system *system;
    efi_handle device;
    void *path, *reserved;
    u32 options_size;
    void *options;
    void *base;
    u64 size;
    u32 code_type, data_type;
    void *unload;
};

/* 13.4, 13.5 */
struct efi_file {
    u64 revision;
    efi_status (*open)(struct efi_file *, struct efi_file **out, const efi_char *name, u64 mode,
                       u64 attributes);
    efi_status (*close)(struct efi_file *);
    void *delete;
    efi_status (*read)(struct efi_file *, uptr *size, void *buffer);
    void *write, *get_position;
    efi_status (*set_position)(struct efi_file *, u64 position);
};
struct efi_file_system {
    u64 revision;
    efi_status (*open_volume)(struct efi_file_system *, struct efi_file **root);
};
enum { FILE_READ = 1 };

/* 13.9 */
struct efi_block_media {
    u32 id;
    u8 removable, present, partition, read_only, caching;
    u32 block_size, alignment;
    u64 last;
};
struct efi_block {
    u64 revision;
    struct efi_block_media *media;
    void *reset;
    efi_status (*read)(struct efi_block *, u32 media, u64 lba, uptr size, void *buffer);
};

#define GUID_LOADED_IMAGE                                                                          \
    {                                                                                              \
        0x5b1b31a1, 0x9562, 0x11d2,                                                                \
        {                                                                                          \
            0x8e, 0x3f, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b                                         \
        }                                                                                          \
    }
#define GUID_FILE_SYSTEM                                                                           \
    {                                                                                              \
        0x964e5b22, 0x6459, 0x11d2,                                                                \
        {                                                                                          \
            0x8e, 0x39, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b                                         \
        }                                                                                          \
    }
#define GUID_BLOCK_IO                                                                              \
    {                                                                                              \
        0x964e5b21, 0x6459, 0x11d2,                                                                \
        {                                                                                          \
            0x8e, 0x39, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b                                         \
        }                                                                                          \
    }
#define GUID_DEVICE_PATH                                                                           \
    {                                                                                              \
        0x09576e91, 0x6d3f, 0x11d2,                                                                \
        {                                                                                          \
            0x8e, 0x39, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b                                         \
        }                                                                                          \
    }
#define GUID_GLOBAL_VARIABLE                                                                       \
    {                                                                                              \
        0x8be4df61, 0x93ca, 0x11d2,                                                                \
        {                                                                                          \
            0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c                                         \
        }                                                                                          \
    }
#define GUID_DTB_TABLE                                                                             \
    {                                                                                              \
        0xb1b621d5, 0xf19c, 0x41a5,                                                                \
        {                                                                                          \
            0x83, 0x0b, 0xd9, 0x15, 0x2c, 0x69, 0xaa, 0xe0                                         \
        }                                                                                          \
    }
#define GUID_ACPI_TABLE                                                                            \
    {                                                                                              \
        0x8868e871, 0xe4f1, 0x11d3,                                                                \
        {                                                                                          \
            0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81                                         \
        }                                                                                          \
    }
#define GUID_SMBIOS3_TABLE                                                                         \
    {                                                                                              \
        0xf2fd1544, 0x9794, 0x4a2c,                                                                \
        {                                                                                          \
            0x99, 0x2e, 0xe5, 0xbb, 0xcf, 0x20, 0xe3, 0x94                                         \
        }                                                                                          \
    }

/* Of the probe's own variables. */
#define PROBE_VENDOR                                                                               \
    {                                                                                              \
        0x2f7b6ad4, 0x90c3, 0x4d5e,                                                                \
        {                                                                                          \
            0xb1, 0x08, 0x62, 0xe4, 0x1d, 0x99, 0x70, 0x3a                                         \
        }                                                                                          \
    }

static inline bool guid_equal(const struct guid *a, const struct guid *b)
{
    return !memcmp(a, b, sizeof(*a));
}

/* What the firmware handed over, for as long as it is there. */
struct efi {
    efi_handle image;
    struct efi_system *system;
    struct efi_boot *boot; /* NULL after ExitBootServices */
    struct efi_runtime *runtime;
};
extern struct efi efi;

/* Status as the specification names it: "EFI_NOT_FOUND", "EFI status 1f". */
const char *efi_name(efi_status status);
/* The table of that GUID in the configuration table; NULL: none. */
void *efi_find_table(const struct guid *guid);

/* The tests, one file each. */
void test_tables(void);        /* tables.c: F1, F3, H1 */
void test_boot_services(void); /* services.c: F1 */
void test_files(void);         /* files.c: F1, I5 */
void test_memory_map(void);    /* memory.c: F1 */
void test_clock(void);         /* clock.c: F7 */
/* variables.c: F4, F5 */
void variables_set(void);
void variables_after(const char *what, bool lost); /* "a reset", "a power cycle" */
void variables_remove(void);

/* memory.c */
efi_status memory_read(void);
/* The memory map as it was read last, at the latest when boot services ended. NULL: no more. */
const struct efi_memory *memory_at(uptr index);
efi_status leave_boot_services(void);

/* state.c: how far the run is, over resets. */
enum { BOOT_FIRST = 1, BOOT_AFTER_PSCI, BOOT_AFTER_RESET, BOOT_AFTER_POWER };
struct state {
    u32 magic, boot; /* BOOT_x that this is, or is to come */
    u32 number;      /* of the last result */
    u32 reserved;
};
/* False: nothing is known, it is the first boot. *lost: the variable is gone, a trace in memory is
 * not. */
bool state_load(struct state *state, bool *lost);
efi_status state_save(const struct state *state);
/* More results since boot services ended: for the next boot, if memory or runtime services keep it.
 */
void state_number(u32 number, bool runtime);
void state_remove(void);

#endif
