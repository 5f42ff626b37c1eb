// dumpjournal: prints the changes that a journal holds. Source: persistence.md.
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "base/flags.h"
#include "base/visible.h"
#include "doozer/version.h"
#include "journal/dump.h"
#include "journal/standard_streams.h"

namespace {

constexpr std::string_view usage = R"(Use: dumpjournal [options] FILE

Prints every mutation in the journal FILE on a line of standard output, and everything else on
standard error. On a bad record it says where that is and exits with status 2.

Options:
  -f	cut the journal at a bad record, which loses what follows
  -json
    	print a JSON object for each mutation
  -verify
    	print the offset, size and checksum of each record, too
  -summary
    	print records, files, first and last revision, and bytes at the end
  -v	print the version
  -version
    	the same
  -h	print this
)";

}  // namespace

int main(int argc, char** argv) {
    doozer::journal::occupy_standard_streams();
    std::vector<std::string_view> const words(argv + (argc > 0 ? 1 : 0), argv + argc);
    doozer::journal::DumpOptions options;
    bool help = false;
    bool version = false;
    doozer::base::Flags flags;
    flags.add_boolean("f", options.repair);
    flags.add_boolean("json", options.json);
    flags.add_boolean("verify", options.verify);
    flags.add_boolean("summary", options.summary);
    flags.add_boolean("h", help);
    flags.add_boolean("help", help);
    flags.add_boolean("v", version);
    flags.add_boolean("version", version);
    auto const taken = flags.parse(words);
    if (!taken.ok()) {
        std::fprintf(stderr, "dumpjournal: %s\n",
                     doozer::base::visible_line(taken.error().detail).c_str());
        return 2;
    }
    if (help) return std::fputs(usage.data(), stdout) < 0 ? 2 : 0;
    if (version) return std::puts("dumpjournal " DOOZER_VERSION) < 0 ? 2 : 0;
    if (words.size() != taken.value() + 1) {
        std::fputs(usage.data(), stderr);
        return 2;
    }
    return doozer::journal::dump(std::string(words.back()), options, stdout, stderr);
}
