/* SPDX-License-Identifier: Apache-2.0 */
/* Guest RAM as the host provides it: large, zeroed, backed by the host only where it is touched.
 * And what the process itself does not need any more. */
#ifndef ARMVM_HOST_RAM_H
#define ARMVM_HOST_RAM_H

#include <stdint.h>

/* Maps size bytes (a multiple of the host's page size); NULL when the host has no such address
 * range. */
uint8_t *host_ram_map(uint64_t size);
/* The same for memory that is mostly never touched: backed in pages of 4 KiB. */
uint8_t *host_ram_map_sparse(uint64_t size);
void host_ram_unmap(uint8_t *ram, uint64_t size);
/* Makes all of it zero again and gives the memory back to the host. */
void host_ram_clear(uint8_t *ram, uint64_t size);

/* Gives back what the allocator keeps of freed memory. Takes milliseconds. */
void host_heap_trim(void);

/* Bytes of memory in the host (MemTotal) and bytes that can be had without swapping
 * (MemAvailable); UINT64_MAX where the host does not tell. */
void host_ram_sizes(uint64_t *total, uint64_t *available);

#endif
