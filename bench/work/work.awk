# SPDX-License-Identifier: Apache-2.0
# Words counted, fields summed, lines rewritten.
{
    for (i = 1; i <= NF; i++) {
        word = tolower($i)
        gsub(/[^a-z]/, "", word)
        count[word]++
        sum += length(word) * i
    }
    if (/the .*e/)
        changed = changed substr($0, 1, 1)
}
END {
    for (word in count)
        total += count[word] * length(word)
    print NR, sum, total, length(changed)
    for (i = 0; i < 200000; i++)
        x = (x * 69069 + 1) % 4294967296
    print x
}
