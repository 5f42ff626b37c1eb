#!/usr/bin/python3
"""What scripts/quickstart builds is what `cmake --install` puts into place, and it needs nothing of
what only tests need.

    install_test.py ROOT BUILD_FOLDER [NAMES OF TESTS]
"""

import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT, BUILD = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
PROGRAMS = {
    "bin/doozer": "doozer", "bin/dumpjournal": "dumpjournal", "bin/writejournal": "writejournal",
    "sbin/doozerd": "doozerd", "sbin/doozerp": "doozerp",
}


def run(*words, seconds=300):
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, check=False, timeout=seconds)
    assert done.returncode == 0, f"{words}: exit {done.returncode}\n{(done.stdout + done.stderr)[-2000:]}"
    return done.stdout


def files_of(folder):
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() or p.is_symlink()}


class Install(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="doozer-install-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def test_quickstart_builds_the_target_of_all_that_is_installed(self):
        script = (ROOT / "scripts/quickstart").read_text(encoding="utf-8")
        self.assertEqual(["installed"], re.findall(r"^cmake --build .*--target (.*)$", script, re.MULTILINE))
        self.assertIn("-DDOOZER_BUILD_TESTS=OFF", script)

    def test_without_rapidcheck_nothing_of_tests_is_asked_for(self):
        """GoogleTest alone is no reason to build tests."""
        build = self.folder / "build"
        run("cmake", "-S", ROOT, "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
            "-DCMAKE_DISABLE_FIND_PACKAGE_rapidcheck=ON")
        cache = (build / "CMakeCache.txt").read_text(encoding="utf-8")
        self.assertIn("DOOZER_BUILD_TESTS:BOOL=OFF", cache)
        steps = run("ninja", "-C", build, "-n", "installed")
        self.assertIn("Linking CXX executable bin/doozerd\n", steps)
        self.assertNotRegex(steps, r"_test\.cc|rapidcheck|gtest|/sim/")
        # What an installation copies out of the build folder is made by that target, or by CMake itself.
        for script in build.rglob("cmake_install.cmake"):
            for path in re.findall(r'"%s/([^"]*)"' % re.escape(str(build)), script.read_text(encoding="utf-8")):
                made_by_cmake = path.startswith("$") or (build / path).exists() or path.startswith("install_") or "CMakeRelink" in path
                self.assertTrue(made_by_cmake or pathlib.Path(path).name in steps, path)

    def test_what_is_installed_runs(self):
        run("cmake", "--build", BUILD, "--target", "installed")
        prefix = self.folder / "prefix"
        run("cmake", "--install", BUILD, "--prefix", prefix)
        found = files_of(prefix)
        self.assertLessEqual(set(PROGRAMS), found)
        for path, name in PROGRAMS.items():
            flag = "-version" if name == "doozerp" else "-v"
            self.assertRegex(run(prefix / path, flag, seconds=30), rf"\A{name} \d+\.\d+\.\d+\n\Z")
        for pattern in (r"lib(/[^/]+)?/libdoozer\.a", r"include/doozer/client\.h", r"lib/systemd/system/doozerd\.service",
                        r"share/bash-completion/completions/doozer"):
            self.assertTrue(any(re.fullmatch(pattern, f) for f in found), (pattern, sorted(found)))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)
