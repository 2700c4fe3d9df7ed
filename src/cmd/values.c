/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/values.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"

/* Digits only: strtoull would take blanks, signs and wrap negative numbers around. */
static int digits(const char *text, const char **end, uint64_t *out)
{
    uint64_t value = 0;

    if (!isdigit((unsigned char)*text))
        return -EINVAL;
    for (; isdigit((unsigned char)*text); text++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
            return -ERANGE;
    *end = text;
    *out = value;
    return 0;
}

int value_size(const char *text, uint64_t *bytes, struct error *err)
{
    static const char units[] = "kmgt";
    const char *end;
    unsigned shift = 0;
    int rc = digits(text, &end, bytes);

    if (!rc && *end) {
        const char *unit = strchr(units, tolower((unsigned char)*end));
        end++;
        if (!unit || (*end && strcasecmp(end, "b") && strcasecmp(end, "ib")))
            rc = -EINVAL;
        else
            shift = 10 * (unsigned)(unit - units + 1);
    }
    if (rc == -EINVAL)
        return error_set(err, rc, "'%s' is no size; write for example 512M or 2G", text);
    if (rc || *bytes > UINT64_MAX >> shift)
        return error_set(err, -EINVAL, "'%s' is more than any machine has", text);
    *bytes <<= shift;
    return 0;
}

int value_number(const char *text, uint64_t min, uint64_t max, uint64_t *number, struct error *err)
{
    const char *end;
    int rc = digits(text, &end, number);

    if (rc == -EINVAL || (!rc && *end))
        return error_set(err, -EINVAL, "'%s' is no number", text);
    if (rc || *number < min || *number > max)
        return error_set(err, -EINVAL, "%s is not possible, %" PRIu64 " to %" PRIu64 " are", text,
                         min, max);
    return 0;
}

int value_duration(const char *text, uint64_t *ns, struct error *err)
{
    static const struct {
        const char *suffix;
        double seconds;
    } units[] = {{"", 1}, {"s", 1}, {"ms", 1e-3}, {"m", 60}, {"h", 3600}};
    char *end = NULL;
    double value = 0, unit = 0;

    if (isdigit((unsigned char)text[0]) && text[strspn(text, "0123456789.smh")] == 0)
        value = strtod(text, &end);
    for (size_t i = 0; end && i < sizeof(units) / sizeof(units[0]); i++)
        if (!strcmp(end, units[i].suffix))
            unit = units[i].seconds;
    value *= unit;
    if (!(value > 0))
        return error_set(err, -EINVAL,
                         "'%s' is no time span; write seconds, or for example 90s, 10m, 1h", text);
    if (value > 1e9)
        return error_set(err, -EINVAL, "'%s' is longer than 30 years", text);
    *ns = (uint64_t)(value * 1e9);
    return 0;
}

int value_choice(const char *text, const char *const *names, unsigned *index, struct error *err)
{
    char list[200] = "";
    size_t n = 0;

    for (unsigned i = 0; names[i]; i++) {
        if (!strcmp(text, names[i])) {
            *index = i;
            return 0;
        }
        n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s",
                              i == 0         ? ""
                              : names[i + 1] ? ", "
                                             : " and ",
                              names[i]);
        if (n >= sizeof(list))
            n = sizeof(list) - 1;
    }
    return error_set(err, -EINVAL, "no '%s'; there are %s", text, list);
}
