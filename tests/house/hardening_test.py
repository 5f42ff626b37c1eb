"""The programs are built so that a fault in memory is hard to make use of: cmake/doozer.cmake.

    hardening_test.py PROGRAM...
"""

import os
import re
import shutil
import subprocess
import sys


def readelf(*words):
    return subprocess.run(["readelf", "-W", *words], check=True, capture_output=True, text=True,
                          env=dict(os.environ, LC_ALL="C")).stdout


def faults(program):
    """What is missing in the program, one line each."""
    header = readelf("-h", program)
    segments = readelf("-l", program)
    dynamic = readelf("-d", program)
    symbols = readelf("--dyn-syms", program)
    if not re.search(r"Type:\s+DYN", header):
        yield "it is linked to fixed addresses (no PIE)"
    if "GNU_RELRO" not in segments:
        yield "no part of it is read-only after relocation (no RELRO)"
    if not re.search(r"BIND_NOW|FLAGS_1.*\bNOW\b", dynamic):
        yield "functions are bound when they are first called (no BIND_NOW)"
    stack = re.search(r"GNU_STACK\s.*", segments)
    if not stack or re.search(r"\bRWE\b", stack.group()):
        yield "its stack is executable"
    if "__stack_chk_fail" not in symbols:
        yield "no stack frame has a canary"
    if os.path.basename(program) == "doozerd" and not re.search(r"__\w+_chk@", symbols.replace("__stack_chk_fail", "")):
        yield "no copy is checked (no _FORTIFY_SOURCE)"


def main():
    if not shutil.which("readelf"):
        print("no readelf")
        return 77
    found = 0
    for program in sys.argv[1:]:
        for fault in faults(program):
            print("%s: %s" % (program, fault))
            found += 1
    return 1 if found or len(sys.argv) < 2 else 0


if __name__ == "__main__":
    sys.exit(main())
