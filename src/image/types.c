/* SPDX-License-Identifier: Apache-2.0 */
/* Names of partition types (UEFI 2.10, table 5.6; the Discoverable Partitions Specification). */
#include <stddef.h>

#include "base/bits.h"
#include "image/gpt.h"

static const struct {
    const char *guid, *name;
} gpt_types[] = {
    {GPT_TYPE_ESP, "EFI system partition"},
    {"024DEE41-33E7-11D3-9D69-0008C781F39F", "MBR partition scheme"},
    {"21686148-6449-6E6F-744E-656564454649", "BIOS boot"},
    {"0FC63DAF-8483-4772-8E79-3D69D8477DE4", "Linux file system"},
    {"B921B045-1DF0-41C3-AF44-4C6F280D3FAE", "Linux root (arm64)"},
    {"69DAD710-2CE4-4E3C-B16C-21A1D49ABED3", "Linux root (arm)"},
    {"4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709", "Linux root (x86-64)"},
    {"44479540-F297-41B2-9AF7-D131D5F0458A", "Linux root (x86)"},
    {"B0E01050-EE5F-4390-949A-9101B17104E9", "Linux /usr (arm64)"},
    {"DF3300CE-D69F-4C92-978C-9BFB0F38D820", "Linux root verity (arm64)"},
    {"0657FD6D-A4AB-43C4-84E5-0933C84B4F4F", "Linux swap"},
    {"E6D6D379-F507-44C2-A23C-238F2A3DF928", "Linux LVM"},
    {"A19D880F-05FC-4D3B-A006-743F0F84911E", "Linux RAID"},
    {"CA7D7CCB-63ED-4C53-861C-1742536059CC", "Linux LUKS"},
    {"BC13C2FF-59E6-4262-A352-B275FD6F7172", "Linux extended boot"},
    {"933AC7E1-2EB4-4F13-B844-0E14E2AEF915", "Linux home"},
    {"3B8F8425-20E0-4F3B-907F-1A25A76F98E8", "Linux server data"},
    {"4D21B016-B534-45C2-A9FB-5C16E091FD2D", "Linux /var"},
    {"8DA63339-0007-60C0-C436-083AC8230908", "Linux reserved"},
    {"EBD0A0A2-B9E5-4433-87C0-68B6B72699C7", "Microsoft basic data"},
    {"E3C9E316-0B5C-4DB8-817D-F92DF00215AE", "Microsoft reserved"},
    {"DE94BBA4-06D1-4D40-A16A-BFD50179D6AC", "Windows recovery"},
    {"83BD6B9D-7F41-11DC-BE0B-001560B84F0F", "FreeBSD boot"},
    {"516E7CB4-6ECF-11D6-8FF8-00022D09712B", "FreeBSD disklabel"},
    {"516E7CB5-6ECF-11D6-8FF8-00022D09712B", "FreeBSD swap"},
    {"516E7CB6-6ECF-11D6-8FF8-00022D09712B", "FreeBSD UFS"},
    {"516E7CBA-6ECF-11D6-8FF8-00022D09712B", "FreeBSD ZFS"},
    {"824CC7A0-36A8-11E3-890A-952519AD3F61", "OpenBSD data"},
    {"49F48D32-B10E-11DC-B99B-0019D1879648", "NetBSD swap"},
    {"49F48D5A-B10E-11DC-B99B-0019D1879648", "NetBSD FFS"},
    {"3DE21764-95BD-54BD-A5C3-4ABE786F38A8", "U-Boot environment"},
    {"FE3A2A5D-4F32-41A7-B725-ACCC3285A309", "ChromeOS kernel"},
    {"48465300-0000-11AA-AA11-00306543ECAC", "Apple HFS+"},
};

static const struct {
    uint8_t type;
    const char *name;
} mbr_types[] = {
    {0x01, "FAT12"},
    {0x04, "FAT16"},
    {0x05, "extended"},
    {0x06, "FAT16"},
    {0x07, "NTFS or exFAT"},
    {0x0b, "FAT32"},
    {0x0c, "FAT32"},
    {0x0e, "FAT16"},
    {0x0f, "extended"},
    {0x82, "Linux swap"},
    {0x83, "Linux file system"},
    {0x85, "Linux extended"},
    {0x8e, "Linux LVM"},
    {0xa5, "FreeBSD"},
    {0xa6, "OpenBSD"},
    {0xa9, "NetBSD"},
    {0xee, "GPT protective"},
    {0xef, "EFI system partition"},
    {0xfd, "Linux RAID"},
};

const char *gpt_type_name(const struct guid *type)
{
    for (unsigned i = 0; i < ARRAY_SIZE(gpt_types); i++)
        if (guid_is(type, gpt_types[i].guid))
            return gpt_types[i].name;
    return NULL;
}

const char *mbr_type_name(uint8_t type)
{
    for (unsigned i = 0; i < ARRAY_SIZE(mbr_types); i++)
        if (mbr_types[i].type == type)
            return mbr_types[i].name;
    return NULL;
}
