#!/usr/bin/python3
"""Shows that scripts/check_includes and scripts/check_style find what they are there to find.

Each case is a small project with one file in it, the only one at fault.
"""

import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPTS = pathlib.Path(__file__).resolve().parents[2] / "scripts"


def findings(script, files):
    """What the script says about a project of these {path: text}; None if it found nothing."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / "src").mkdir()
        (root / "include").mkdir()
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, SCRIPTS / script, folder], capture_output=True, text=True, check=False
        )
    assert done.stderr == "", done.stderr
    assert (done.returncode == 0) == (done.stdout == ""), done
    return done.stdout or None


def header(body=""):
    return f"// Why it exists.\n#pragma once\n{body}"


def function_of(lines, name="f"):
    return f"void {name}(int x) {{\n" + "    ++x;\n" * (lines - 2) + "}\n"


class Includes(unittest.TestCase):
    def refuses(self, name, directive, reason):
        said = findings("check_includes", {name: f"{directive}\n"})
        self.assertIsNotNone(said, f"{name} with {directive} was let through")
        self.assertIn(f"{name}:1:", said)
        self.assertIn(reason, said)

    def accepts(self, name, directive):
        self.assertIsNone(findings("check_includes", {name: f"{directive}\n"}))

    def test_a_room_above(self):
        self.refuses("src/store/tree.cc", '#include "replica/replica.h"', "store may not include replica")
        self.refuses("src/base/ids.h", '#include "store/path.h"', "base may not include store")
        self.refuses("src/net/timer.cc", '#include "server/node.h"', "net may not include server")
        self.accepts("src/replica/replica.cc", '#include "store/path.h"')

    def test_a_room_beside(self):
        self.refuses("src/store/tree.cc", '#include "wire/frame.h"', "store may not include wire")
        self.refuses("src/consensus/core.cc", '#include "store/path.h"', "consensus may not include store")
        self.refuses("src/cli/command.cc", '#include "net/asio.h"', "cli may not include net")

    def test_a_test_has_the_same_rooms(self):
        self.refuses("src/store/tree_test.cc", '#include "server/node.h"', "store may not include server")

    def test_time_chance_and_threads_in_pure_rooms(self):
        for room in ("store", "consensus", "replica"):
            for name in ("chrono", "random", "thread", "mutex", "atomic", "future", "fstream", "iostream"):
                self.refuses(f"src/{room}/x.cc", f"#include <{name}>", "is pure")
            for name in ("unistd.h", "sys/socket.h", "time.h"):
                self.refuses(f"src/{room}/x.cc", f"#include <{name}>", "is pure")
            self.refuses(f"src/{room}/x.cc", "#include <boost/asio.hpp>", "may not use boost")
            self.refuses(f"src/{room}/x.cc", "#include <spdlog/spdlog.h>", "may not use spdlog")
            self.accepts(f"src/{room}/x.cc", "#include <vector>")
            self.accepts(f"src/{room}/x_test.cc", "#include <chrono>")

    def test_spaces_do_not_hide_an_include(self):
        self.refuses("src/store/tree.cc", "  #  include <chrono>", "is pure")

    def test_libraries_out_of_their_rooms(self):
        self.refuses("src/wire/frame.h", "#include <boost/asio.hpp>", "wire may not use boost")
        self.refuses("src/client/client.cc", "#include <protozero/pbf_reader.hpp>", "client may not use protozero")
        self.refuses("src/client/client.cc", "#include <gtest/gtest.h>", "outside a test")
        self.accepts("src/wire/client_codec.cc", "#include <protozero/pbf_reader.hpp>")
        self.accepts("src/client/fake_server.cc", "#include <gtest/gtest.h>")

    def test_a_path_that_is_no_room(self):
        self.refuses("src/store/tree.cc", '#include "path.h"', "is not")
        self.assertIn("not a room", findings("check_includes", {"src/attic/x.cc": ""}))

    def test_public_headers_stand_alone(self):
        self.refuses("include/doozer/client.h", "#include <boost/asio.hpp>", "a public header")
        self.refuses("include/doozer/client.h", '#include "base/ids.h"', "a public header")
        self.accepts("include/doozer/client.h", '#include "doozer/event.h"')
        self.accepts("include/doozer/client.h", "#include <string>")

    def test_libraries_are_linked_as_they_are_included(self):
        def said(call):
            return findings("check_includes", {"src/store/CMakeLists.txt": call})
        self.assertIn("may not link", said("doozer_room(store SOURCES a.cc DEPS doozer::net)"))
        self.assertIsNone(said("doozer_room(store SOURCES a.cc DEPS doozer::base TEST_DEPS doozer::net)"))


class Style(unittest.TestCase):
    def refuses(self, files, reason):
        said = findings("check_style", files)
        self.assertIsNotNone(said, f"{reason}: was let through")
        self.assertIn(reason, said)
        self.assertEqual(len(said.splitlines()), 1, said)

    def accepts(self, files):
        self.assertIsNone(findings("check_style", files))

    def test_long_files(self):
        self.refuses({"src/a/a.cc": "\n" * 601}, "601 lines")
        self.accepts({"src/a/a.cc": "\n" * 600})

    def test_long_functions(self):
        self.refuses({"src/a/a.cc": function_of(71)}, "src/a/a.cc:1: f has 71 lines")
        self.accepts({"src/a/a.cc": function_of(70)})

    def test_long_functions_in_disguise(self):
        body = "    ++x;\n" * 70 + "}\n"
        for head in (
            "A::A(int x, B b = {}) noexcept\n    : x_{x}, b_(b) {\n",
            "auto f(int x) const -> int {\n",
            "template <typename T>\nT f(T x) requires(sizeof(T) > 1) {\n",
            "bool operator==(A const& x) {\n",
            "TEST(A, DoesSomething) {\n",
            'void f(char const* x = "}{") {  // }\n',
            "void f(int x) {\n    auto inner = [&] {\n        ++x;\n    };\n",
        ):
            said = findings("check_style", {"src/a/a.cc": f"namespace a {{\n{head}{body}}}\n"})
            self.assertIsNotNone(said, f"not seen:\n{head}")

    def test_short_functions_after_each_other_are_not_one(self):
        self.accepts({"src/a/a.cc": "".join(function_of(40, f"f{i}") for i in range(5))})

    def test_the_ratchet_lets_one_function_through_and_only_shrinks(self):
        long = {"src/a/a.cc": function_of(90)}
        self.accepts({**long, "scripts/style_ratchet": "# why\nsrc/a/a.cc f 90\n"})
        self.refuses({**long, "scripts/style_ratchet": "src/a/a.cc f 89\n"}, "f has 90 lines; at most 89")
        self.refuses({**long, "scripts/style_ratchet": "src/a/a.cc f 91\n"}, "lower or remove")
        self.refuses({"scripts/style_ratchet": "src/a/a.cc f 90\n"}, "is gone")

    def test_unfinished_work(self):
        for word in ("TO" + "DO", "FIX" + "ME"):
            self.refuses({"src/a/a.cc": f"// {word}: later\n"}, "unfinished")

    def test_sleeping(self):
        for call in ("std::this_thread::sleep_for" + "(1s);", "usleep" + "(1);", "::sleep" + "(1);"):
            self.refuses({"src/a/a_test.cc": f"void f() {{ {call} }}\n"}, "sleeps")
        self.refuses({"tests/wire/a.py": "time.sleep" + "(1)\n"}, "sleeps")
        self.accepts({"tests/integration/a.cc": "void f() { usleep" + "(1); }\n"})
        self.accepts({"examples/a/a.cc": "void f() { usleep" + "(1); }\n"})

    def test_headers(self):
        self.refuses({"src/a/a.h": "#pragma once\n"}, "begins with a comment")
        self.refuses({"src/a/a.h": "// Why.\n"}, "no #pragma once")
        self.accepts({"src/a/a.h": header()})

    def test_the_request_path_names_what_exists(self):
        def project(line):
            return {"src/a/a.h": header("void step();\n"), "docs/request-path.md": f"{line}\n"}
        self.accepts(project("`src/a/a.h` `A::step()`"))
        self.refuses(project("`src/a/gone.h`"), "no such file: src/a/gone.h")
        self.refuses(project("`src/a/a.h` `stride()`"), "stride() is not in")

    def test_links(self):
        self.refuses({"README.md": "[x](docs/gone.md)\n"}, "leads nowhere")
        self.refuses({"README.md": "[x](docs/a.md#part)\n", "docs/a.md": "## Whole\n"}, "leads to no heading")
        self.refuses({"docs/a.md": "## Whole\n[x](#part)\n"}, "leads to no heading")
        self.accepts({"README.md": "[x](docs/a.md#the-part) [y](https://example.org/)\n", "docs/a.md": "## The part\n"})

    def test_citations(self):
        def project(comment):
            return {"docs/a.md": "## The part\n", "src/a/a.h": f"// Why it exists. {comment}\n#pragma once\n"}
        self.accepts(project("Source: docs/a.md, The part."))
        self.accepts(project("Source: a.md, The\n// part."))
        self.refuses(project("Source: docs/a.md, Another\n// part."), "cites no heading of docs/a.md")
        self.refuses(project("Source: docs/a.md, section 4."), "cites no heading")
        self.refuses(project("Source: docs/gone.md."), "there is no document gone.md")
        self.refuses({"docs/a.md": "see [b.md](b.md), Gone\n", "docs/b.md": "## Here\n"}, "cites no heading of b.md")

    def test_a_document_names_only_files_and_functions_that_exist(self):
        def project(text):
            return {"docs/a.md": f"{text}\n", "src/a/a.h": header("void step();\n"), "src/a/b.h": header()}
        self.accepts(project("`src/a/a.h`, `a.h`, `src/a/*.h`, `step()`, `A::step()` in `src/a/a.h`, `tests/scenario/X.txt`"))
        self.refuses(project("`src/a/gone.h`"), "there is no file src/a/gone.h")
        self.refuses(project("`gone.h`"), "there is no file gone.h")
        self.refuses(project("`stride()`"), "there is no function stride()")
        self.refuses(project("`A::step()` in `src/a/b.h`"), "A::step() is not in src/a/b.h")

    def test_figures_are_what_their_texts_say(self):
        text = "sequence A write\ncolumns a b\na > b : x\n"
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "a.txt").write_text(text, encoding="utf-8")
            subprocess.run([sys.executable, "-B", SCRIPTS / "figures", folder], check=True)
            drawn = (pathlib.Path(folder) / "a.svg").read_text(encoding="utf-8")
        self.accepts({"docs/figures/a.txt": text, "docs/figures/a.svg": drawn})
        self.refuses({"docs/figures/a.txt": text.replace("x", "y"), "docs/figures/a.svg": drawn}, "a.svg")

    def test_a_document_names_only_tests_that_exist(self):
        def project(name):
            return {"docs/a.md": f"the test is `{name}`\n", "src/a/a_test.cc": "TEST_F(Seal, TakesTheLongest) {}\n"}
        self.accepts(project("Seal.TakesTheLongest"))
        self.refuses(project("Seal.TakesTheShortest"), "there is no test Seal.TakesTheShortest")


if __name__ == "__main__":
    unittest.main()
