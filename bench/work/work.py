# SPDX-License-Identifier: Apache-2.0
"""What scripts do: dictionaries, strings, objects, sorting, JSON, regular expressions, big numbers."""
import collections
import hashlib
import json
import re
import sys


class Account:
    def __init__(self, name):
        self.name, self.balance, self.log = name, 0, []

    def move(self, amount):
        self.balance += amount
        self.log.append((amount, self.balance))


def words(text):
    counts = collections.Counter(re.findall(r"[a-z]+", text.lower()))
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:50]


def accounts(count):
    book = {f"name{i}": Account(f"name{i}") for i in range(count)}
    for i in range(40 * count):
        book[f"name{i * 7919 % count}"].move(i % 97 - 48)
    return [(a.name, a.balance, len(a.log)) for a in sorted(book.values(), key=lambda a: a.balance)]


def primes(limit):
    return [n for n in range(2, limit) if all(n % d for d in range(2, int(n ** 0.5) + 1))]


text = open(sys.argv[1]).read()[:300000]
for result in (words(text), accounts(500)[:20], primes(12000)[-5:],
               json.loads(json.dumps([{"n": i, "t": text[i:i + 9]} for i in range(8000)]))[-1],
               pow(7, 12345, 10 ** 300 + 7), [line[::-1].title() for line in text.splitlines()[:3000]][-1]):
    print(hashlib.sha256(repr(result).encode()).hexdigest())
