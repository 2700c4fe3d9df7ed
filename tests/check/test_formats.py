#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The forms of a report, as other programs read them; exit statuses; where reports go; and that an image
is only read.
    test_formats.py ARMVM"""
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

import images
from damage import FFS_GUID, esp_put, volume

SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "share/check/report.schema.json"
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int,
         "number": (int, float), "null": type(None)}


def conforms(value, schema, where="report"):
    """As much of JSON Schema as ours uses."""
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    assert not kinds or any(isinstance(value, TYPES[kind]) for kind in kinds), f"{where}: {value!r}"
    assert "const" not in schema or value == schema["const"], f"{where}: {value!r}"
    assert "enum" not in schema or value in schema["enum"], f"{where}: {value!r}"
    if "minimum" in schema and value is not None:
        assert value >= schema["minimum"], f"{where}: {value!r}"
    for name in schema.get("required", []):
        assert name in value, f"{where}: no {name}"
    for name, member in value.items() if isinstance(value, dict) else ():
        known = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
        assert known is not None, f"{where}: {name} is not in the schema"
        conforms(member, known, f"{where}.{name}")
    for i, item in enumerate(value if isinstance(value, list) else ()):
        conforms(item, schema.get("items", {}), f"{where}[{i}]")


def main():
    armvm = sys.argv[1]

    def run(*arguments, status, **kwargs):
        done = subprocess.run([armvm, "check", *map(str, arguments)], capture_output=True, text=True,
                              timeout=60, **kwargs)
        assert done.returncode == status, f"{arguments}: {done.returncode}: {done.stderr}"
        if status > 1:
            assert done.stderr.startswith("armvm check: ") and done.stderr.count("\n") == 1, done.stderr
        return done.stdout

    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as work:
        work = pathlib.Path(work)
        good = images.make_good(work)
        bad = work / "bad & <b>.img"
        images.run("cp", "--sparse=always", good, bad)
        esp_put(bad, "fw.fd", volume(FFS_GUID)) # I8: a warning
        with open(bad, "r+b") as f: # I1: a failure
            f.seek(450)
            f.write(b"\x83")
        schema = json.loads(SCHEMA.read_text())
        conforms(json.loads(run("--format", "json", good, status=0)), schema)
        report = json.loads(run("--format", "json", bad, status=1))
        conforms(report, schema)
        assert [r["id"] for r in report["results"] if r["outcome"] == "FAIL"] == ["I1"]
        assert [r["id"] for r in report["results"] if r["outcome"] == "WARN"] == ["I8"]

        suite = xml.fromstring(run("--format", "junit", bad, status=1))[0]
        cases = suite.findall("testcase")
        assert suite.get("tests") == str(len(cases)) == "11" and suite.get("failures") == "1"
        failure = [c for c in cases if c.find("failure") is not None]
        assert len(failure) == 1 and failure[0].get("name").startswith("I1 ")
        assert "fix: " in failure[0].find("failure").text

        tap = run("--format", "tap", bad, status=1).splitlines()
        assert tap[:2] == ["TAP version 13", "1..11"]
        assert any(re.match(r"not ok 1 - I1 \S", line) for line in tap)
        assert any(re.match(r"ok 2 - I2 \S", line) for line in tap)
        assert any(re.match(r"not ok 8 - I8 .* # TODO ", line) for line in tap)

        page = run("--format", "html", bad, status=1)
        assert "bad &amp; &lt;b&gt;.img" in page and "<b>" not in page
        for outside in ("http:", "https:", "<script", "<link", "<img", "url("):
            assert outside not in page, outside
        text = run(bad, status=1)
        assert "FAIL I1" in text and "clause:" in text and "fix:" in text and "\033" not in text

        out = work / "report.json"
        assert run("--format", "json", "--output", out, bad, status=1) == ""
        assert json.loads(out.read_text()) == report
        assert "I1" in run("--output", "-", good, status=0)
        run("--output", work / "none" / "x", good, status=3)
        run("--output", "/dev/null", good, status=0)
        assert os.path.exists("/dev/null") and not os.path.isfile("/dev/null")

        run(status=2)
        run("--format", "yaml", good, status=2)
        run("--profile", "v3", good, status=2)
        run(good, bad, status=2)
        run(work / "nothing.img", status=3)
        run(work, status=3)
        (work / "empty.img").touch()
        run(work / "empty.img", status=3)
        (work / "random.img").write_bytes(os.urandom(100000))
        run(work / "random.img", status=1)
        before = hashlib.sha256(good.read_bytes()).digest(), os.stat(good).st_mtime_ns
        good.chmod(0o444)
        run(good, status=0)
        assert before == (hashlib.sha256(good.read_bytes()).digest(), os.stat(good).st_mtime_ns)
    print("formats: ok")


if __name__ == "__main__":
    main()
