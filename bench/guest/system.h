// SPDX-License-Identifier: Apache-2.0
// The kernels that ask the operating system for something, once for each unit of their amount.
#pragma once
#include "kernel.h"

uint64_t system_null(unsigned amount);
uint64_t system_read(unsigned amount);
uint64_t system_write(unsigned amount);
uint64_t system_stat(unsigned amount);
uint64_t system_signal(unsigned amount);
uint64_t system_clock(unsigned amount);
uint64_t system_pipe_processes(unsigned amount);
uint64_t system_pipe_threads(unsigned amount);
uint64_t system_pipe_one_cpu(unsigned amount);
uint64_t system_futex_wake(unsigned amount);
uint64_t system_futex_pingpong(unsigned amount);
uint64_t system_thread(unsigned amount);
uint64_t system_fork(unsigned amount);
uint64_t system_exec(unsigned amount);
uint64_t system_fault(unsigned amount);
uint64_t system_fault_file(unsigned amount);
uint64_t system_cow(unsigned amount);
uint64_t system_mmap(unsigned amount);
uint64_t system_mprotect(unsigned amount);
uint64_t system_files(unsigned amount);
