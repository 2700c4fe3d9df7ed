/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes guest code: code.h. The engines live as long as the process. */
#include <stdlib.h>

#include "code.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct code_rig *rig;
    if (!rig)
        rig = code_rig_create();
    if (!rig) /* no translator for this host */
        exit(0);
    if (code_run(rig, data, size) == CODE_DIFFERS)
        abort();
    return 0;
}
