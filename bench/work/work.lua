-- SPDX-License-Identifier: Apache-2.0
-- Tables, closures, strings, arithmetic.
local function sieve(n)
    local flags, count = {}, 0
    for i = 2, n do flags[i] = true end
    for i = 2, n do
        if flags[i] then
            count = count + 1
            for j = i * i, n, i do flags[j] = false end
        end
    end
    return count
end
local function permutations(n, visit)
    local a = {}
    for i = 1, n do a[i] = i end
    local function go(k)
        if k == 0 then return visit(a) end
        for i = 1, k do
            a[i], a[k] = a[k], a[i]
            go(k - 1)
            a[i], a[k] = a[k], a[i]
        end
    end
    go(n)
end
print(sieve(200000))
local sum = 0
permutations(8, function(a) sum = (sum * 31 + a[1] * a[8]) % 1000000007 end)
print(sum)
local parts = {}
for i = 1, 30000 do parts[#parts + 1] = string.format("%d:%s", i, string.rep("ab", i % 7)) end
local text = table.concat(parts, ",")
print(#text, select(2, text:gsub("b,", "")), text:find("29999"))
local x = 0.5
for _ = 1, 500000 do x = 3.7 * x * (1 - x) end
print(string.format("%.6f", x > 0 and 1 or 0))
