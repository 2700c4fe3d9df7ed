/* SPDX-License-Identifier: Apache-2.0 */
#include "uefi/uefi.h"

/* Appendix D of the UEFI specification. */
static const char *const errors[] = {
    [1] = "EFI_LOAD_ERROR",          [2] = "EFI_INVALID_PARAMETER",
    [3] = "EFI_UNSUPPORTED",         [4] = "EFI_BAD_BUFFER_SIZE",
    [5] = "EFI_BUFFER_TOO_SMALL",    [6] = "EFI_NOT_READY",
    [7] = "EFI_DEVICE_ERROR",        [8] = "EFI_WRITE_PROTECTED",
    [9] = "EFI_OUT_OF_RESOURCES",    [10] = "EFI_VOLUME_CORRUPTED",
    [11] = "EFI_VOLUME_FULL",        [12] = "EFI_NO_MEDIA",
    [13] = "EFI_MEDIA_CHANGED",      [14] = "EFI_NOT_FOUND",
    [15] = "EFI_ACCESS_DENIED",      [18] = "EFI_TIMEOUT",
    [20] = "EFI_ALREADY_STARTED",    [21] = "EFI_ABORTED",
    [26] = "EFI_SECURITY_VIOLATION",
};

const char *efi_name(efi_status status)
{
    uptr n = status & ~EFI_ERROR_BIT;

    if (!status)
        return "EFI_SUCCESS";
    if (status & EFI_ERROR_BIT && n < COUNT(errors) && errors[n])
        return errors[n];
    return status & EFI_ERROR_BIT ? "an error without a name" : "a warning";
}

void *efi_find_table(const struct guid *guid)
{
    for (uptr i = 0; i < efi.system->tables; i++)
        if (guid_equal(&efi.system->table[i].guid, guid))
            return efi.system->table[i].table;
    return NULL;
}
