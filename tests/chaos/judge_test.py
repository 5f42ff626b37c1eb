"""The judge of recorded histories finds what is wrong in them. A laboratory that cannot fail is
worse than none."""

import subprocess
import sys
import tempfile

# operation: id session kind path value expected min_rev start end state rev succeeded
SET, CAS, LINEAR, DONE, REFUSED, UNKNOWN = 0, 1, 5, 1, 2, 3
GOOD = [
    "op 1 1 %d /f v1 -1 0 10 20 %d 5 1" % (SET, DONE),
    "op 2 2 %d /f v2 5 0 30 40 %d 6 1" % (CAS, DONE),
    "op 3 3 %d /f v2 -1 0 50 60 %d 6 0" % (LINEAR, DONE),
    "op 4 3 %d /f v4 -1 0 70 80 %d 0 0" % (SET, UNKNOWN),
    "op 5 3 %d /f v5 -1 0 90 95 %d 0 0" % (SET, REFUSED),
    "watch / 5 7", "told 5 0 /f v1", "told 6 0 /f v2", "told 7 0 /f v4",
    "log a:1 5 0 /f v1", "log a:1 6 0 /f v2", "log a:1 7 0 /f v4",
    "log b:1 5 0 /f v1", "log b:1 6 0 /f v2", "log b:1 7 0 /f v4",
]
# What is replaced in it, and a part of what must be said then. In each case it is all that is wrong.
BAD = [
    ("log b:1 6 0 /f v2", "log b:1 6 0 /f v9", "members differ at revision 6"),
    ("log b:1 7 0 /f v4", None, "b:1 holds 2 revisions of 3"),
    ("told 6 0 /f v2", None, "was not told of a change at revision 6"),
    (GOOD[2], "op 3 3 %d /f v1 -1 0 50 60 %d 5 0" % (LINEAR, DONE), "not linearizable, at operation 3"),
    (GOOD[1], "op 2 2 %d /f v2 4 0 30 40 %d 6 1" % (CAS, DONE), "compare-and-set that should fail"),
    (GOOD[0], "op 1 1 %d /f v1 -1 0 10 20 %d 4 1" % (SET, DONE), "another revision"),
    (GOOD[3], "op 4 3 %d /f v4 -1 0 70 80 %d 0 0" % (SET, REFUSED), "refused, but applied"),
    (GOOD[4], "op 5 3 %d /f v5 -1 0 90 95 %d 8 1" % (SET, DONE), "answered, but not applied"),
]


def judge(program, lines):
    with tempfile.NamedTemporaryFile("w") as file:
        file.write("".join(line + "\n" for line in lines))
        file.flush()
        done = subprocess.run([program, file.name], text=True, capture_output=True, check=False)
        return done.returncode, done.stdout + done.stderr


def main(program):
    failures = []
    code, said = judge(program, GOOD)
    if code != 0:
        failures.append("a good history is refused: " + said)
    for line, instead, expected in BAD:
        assert line in GOOD
        lines = [instead if g == line else g for g in GOOD]
        code, said = judge(program, [g for g in lines if g is not None])
        if code != 1 or expected not in said:
            failures.append("%r instead of %r: exit %d: %s" % (instead, line, code, said))
    code, said = judge(program, ["op 1 and so on"])
    if code != 2 or ":1 is no line" not in said:
        failures.append("what is no history: exit %d: %s" % (code, said))
    for failure in failures:
        print(failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
