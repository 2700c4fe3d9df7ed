// SPDX-License-Identifier: Apache-2.0
#include "system.h"

const struct kernel bench_system[] = {
    {"null-syscall", system_null, 300000},
    {"read-1", system_read, 150000},
    {"write-1", system_write, 150000},
    {"stat", system_stat, 30000},
    {"clock-gettime", system_clock, 500000},
    {"signal", system_signal, 30000},
    {"pipe-processes", system_pipe_processes, 4000},
    {"pipe-threads", system_pipe_threads, 4000},
    {"pipe-one-cpu", system_pipe_one_cpu, 10000},
    {"futex-wake", system_futex_wake, 200000},
    {"futex-pingpong", system_futex_pingpong, 4000},
    {"thread-create", system_thread, 1500},
    {"fork-wait", system_fork, 300},
    {"fork-exec-wait", system_exec, 150},
    {"page-fault", system_fault, 16384},
    {"page-fault-file", system_fault_file, 8192},
    {"copy-on-write", system_cow, 4096},
    {"mmap-munmap", system_mmap, 20000},
    {"mprotect", system_mprotect, 10000},
    {"small-files", system_files, 2000},
    {NULL, NULL, 0},
};
