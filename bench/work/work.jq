# SPDX-License-Identifier: Apache-2.0
[range(6000) | {a: ., b: (. * . % 97), c: "x\(.)"}]
| (tojson | fromjson) | group_by(.b)
| map({b: .[0].b, n: length, s: (map(.a) | add), last: (map(.c) | max)}) | sort_by(.s)
