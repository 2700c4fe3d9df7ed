# SPDX-License-Identifier: Apache-2.0
# Programs that check themselves: a compiler's output, 7z, sqlite, openssl, hashes with known answers.
cd /tmp || exit 1
set -ex
cat >sum.c <<'EOF'
#include <stdio.h>
int main(void)
{
    unsigned long a = 0, b = 1;
    for (int i = 0; i < 90; i++) {
        unsigned long c = a + b;
        a = b;
        b = c;
    }
    double x = 0;
    for (int i = 1; i <= 1000; i++)
        x += 1.0 / i;
    printf("%lu %.15f\n", a, x);
    return 0;
}
EOF
gcc -O2 -o sum sum.c
[ "$(./sum)" = "2880067194370816120 7.485470860550343" ]
echo "gcc: ok"
7z b | tail -n 3
sqlite3 test.db 'create table t(a integer primary key, b text);
  with recursive n(i) as (select 1 union all select i+1 from n where i < 50000)
  insert into t select i, hex(i*7919) from n;
  create index ti on t(b); pragma integrity_check;' | grep -qx ok
[ "$(sqlite3 test.db 'select count(*), sum(length(b)) from t')" = "50000|$(sqlite3 test.db 'select sum(length(hex(a*7919))) from t')" ]
echo "sqlite: ok"
[ "$(printf abc | openssl dgst -sha256 | sed 's/.* //')" = \
    ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad ]
[ "$(printf abc | openssl dgst -sha1 | sed 's/.* //')" = a9993e364706816aba3e25717850c26c9cd0d89d ]
head -c 3000000 /dev/urandom >random
openssl enc -aes-256-gcm -help >/dev/null 2>&1 || true
openssl enc -aes-256-ctr -pass pass:x -pbkdf2 -in random -out random.enc
openssl enc -d -aes-256-ctr -pass pass:x -pbkdf2 -in random.enc -out random.dec
cmp random random.dec
openssl genrsa -out key.pem 2048 2>/dev/null
openssl dgst -sha256 -sign key.pem -out random.sig random
openssl rsa -in key.pem -pubout -out public.pem 2>/dev/null
openssl dgst -sha256 -verify public.pem -signature random.sig random
for tool in gzip xz bzip2 zstd; do
    $tool -c random >random.z
    $tool -dc random.z | cmp - random
done
echo "compressors: ok"
openssl speed -seconds 1 -evp aes-128-gcm 2>&1 | tail -n 1
openssl speed -seconds 1 -evp sha256 2>&1 | tail -n 1
