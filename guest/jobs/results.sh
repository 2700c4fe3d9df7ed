# SPDX-License-Identifier: Apache-2.0
# Programs whose output is the same on every machine; the lines that begin with "result" are to
# equal those of the same image elsewhere.
cd /tmp || exit 1
set -e
result() { # NAME: what comes on standard input
    echo "result $1 $(sha256sum | cut -c 1-32)"
}
seq 1 200000 | awk '{ printf "%d %.17g %s\n", $1 * 7919 % 65537, sin($1) * exp($1 % 50), substr("armvm guest", $1 % 9 + 1) }' >input
result awk <input
sort -k 3,3 -k 1,1n input | result sort
sed -E 's/([0-9])([a-z])/\2\1/g; /99/d' input | result sed
for tool in gzip xz bzip2 zstd; do
    cat input | $tool -c >"input.$tool" # of a pipe: no time of a file in it
    result $tool <"input.$tool"
    $tool -dc <"input.$tool" | result $tool-back
done
7z a -bd -mmt1 -mtm- input.7z input >/dev/null
7z x -so input.7z | result 7z
7z l -slt input.7z | grep -E '^(CRC|Packed Size|Size)' | result 7z-list
echo 'scale=400; 4*a(1); e(1.5); sqrt(2)' | BC_LINE_LENGTH=0 bc -l | result bc
cat >fp.c <<'EOC'
#include <fenv.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
static uint64_t seed = 1;
static double value(void)
{
    union { uint64_t u; double d; } v;
    seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
    v.u = seed;
    return v.d;
}
int main(void)
{
    static const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    for (int i = 0; i < 40000; i++) {
        double a = value(), b = value(), c = value();
        float f = (float)a, g = (float)b;
        fesetround(modes[i >> 4 & 3]);
        feclearexcept(FE_ALL_EXCEPT);
        printf("%a %a %a %a %a %a %a %a %d ", a + b, a - b, a * b, a / b, fma(a, b, c), sqrt(fabs(a)),
               (double)(f * g), (double)(f / g), fetestexcept(FE_ALL_EXCEPT));
        printf("%lld %llu %d %d\n", (long long)a, (unsigned long long)b, (int)f, a < b);
        fesetround(FE_TONEAREST);
        double s = ldexp(a, -ilogb(a) - 1);
        printf("%a %a %a %a %a %a\n", sin(s), cos(s), exp(s), log(fabs(s)), pow(fabs(s), 0.3), atan2(s, b));
    }
    return 0;
}
EOC
for o in 0 2 3; do
    gcc -O$o -ffp-contract=off -frounding-math -S -o fp$o.s fp.c
    result gcc-O$o <fp$o.s
    gcc -O$o -ffp-contract=off -frounding-math -o fp$o fp.c -lm
    ./fp$o | result fp-O$o
done
cat >mix.c <<'EOC'
#include <stdint.h>
#include <stdio.h>
static uint8_t a[4096], b[4096], c[4096];
static int16_t h[4096];
static int32_t w[4096];
static float f[4096];
int main(void)
{
    for (int round = 0; round < 200; round++) {
        for (int i = 0; i < 4096; i++)
            a[i] = (uint8_t)(i * 131 + round * 17), b[i] = (uint8_t)(i * i >> (round & 7));
        for (int i = 0; i < 4096; i++) {
            int s = a[i] + b[i];
            c[i] = s > 255 ? 255 : (uint8_t)s;
            h[i] = (int16_t)((a[i] - b[i]) * 77 >> 3);
            w[i] += h[i] * a[i] + (c[i] << (round & 3));
            f[i] = f[i] * 0.75f + (float)w[i] / 3;
        }
    }
    uint64_t sum = 0;
    for (int i = 0; i < 4096; i++)
        sum = sum * 31 + c[i] + (uint16_t)h[i] + (uint32_t)w[i], printf("%a\n", (double)f[i]);
    printf("%llu\n", (unsigned long long)sum);
    return 0;
}
EOC
for o in "-O0" "-O2" "-O3" "-O3 -march=armv8.2-a+lse+rdma+crypto"; do
    gcc $o -o mix mix.c
    ./mix | result "mix$(echo "$o" | tr -d ' ')"
done
sqlite3 t.db 'create table t(a integer primary key, b text, c real);
  with recursive n(i) as (select 1 union all select i+1 from n where i < 30000)
  insert into t select i, hex(i*7919), i*i/7.0 from n; create index ti on t(b);'
sqlite3 t.db '.dump' | result sqlite-dump
sqlite3 t.db 'select substr(b,1,2), count(*), sum(c), avg(a), max(b) from t group by 1 order by 1' | result sqlite-query
for hash in md5 sha1 sha224 sha256 sha384 sha512 sha3-256 blake2b512 sm3; do
    openssl dgst -$hash input | result "$hash"
done
for cipher in aes-128-cbc aes-256-ctr chacha20 camellia-256-cbc aria-128-ctr des-ede3-cbc; do
    openssl enc -$cipher -K 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f \
        -iv 000102030405060708090a0b0c0d0e0f -in input 2>/dev/null | result $cipher
done
python3 - <<'EOP' | result python
import cmath, decimal, hashlib, json, math, random, re, struct, zlib
random.seed(20240229)
floats = [random.uniform(-1e3, 1e3) for _ in range(5000)]
for x in floats:
    print(x.hex(), math.sin(x), math.gamma(abs(x) % 20 + .5), math.fmod(x, 3), cmath.sqrt(complex(x, 1)))
print(pow(3, 5000) % (2**607 - 1), math.factorial(500), decimal.Decimal(2).sqrt(decimal.Context(prec=300)))
text = json.dumps({str(i): x for i, x in enumerate(floats)})
print(hashlib.sha3_512(text.encode()).hexdigest(), zlib.crc32(text.encode()), zlib.adler32(text.encode()))
print(len(re.findall(r"-?\d+\.\d+e?", text)), struct.pack(">500e", *[x / 100 for x in floats[:500]]).hex())
random.shuffle(floats); floats.sort(key=lambda x: (x * 7) % 11); print(floats[:100])
EOP
perl -e '$s = 1; for (1..200000) { $s = ($s * 1103515245 + 12345) % 2147483648; $h{$s % 1000} .= chr(97 + $s % 26); } print "$_ $h{$_}\n" for sort keys %h;' | result perl
jq -n '[range(20000) | {a: ., b: (. * . % 97), c: "x\(.)"}] | group_by(.b) | map({b: .[0].b, n: length, s: (map(.a) | add)})' | result jq
