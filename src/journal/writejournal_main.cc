// writejournal: appends changes to a journal. Source: persistence.md.
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

constexpr std::string_view usage = R"(Use: writejournal [options] FILE

Appends each line of standard input to the journal FILE as a mutation, <rev>:<path>=<value> or
<rev>:<path>, and forces them to disk. A journal that is damaged or in use is left as it is.

Options:
  -v	print the version
  -version
    	the same
  -h	print this
)";

}  // namespace

int main(int argc, char** argv) {
    doozer::journal::occupy_standard_streams();
    std::vector<std::string_view> const words(argv + (argc > 0 ? 1 : 0), argv + argc);
    bool help = false;
    bool version = false;
    doozer::base::Flags flags;
    flags.add_boolean("h", help);
    flags.add_boolean("help", help);
    flags.add_boolean("v", version);
    flags.add_boolean("version", version);
    auto const taken = flags.parse(words);
    if (!taken.ok()) {
        std::fprintf(stderr, "writejournal: %s\n",
                     doozer::base::visible_line(taken.error().detail).c_str());
        return 2;
    }
    if (help) return std::fputs(usage.data(), stdout) < 0 ? 2 : 0;
    if (version) return std::puts("writejournal " DOOZER_VERSION) < 0 ? 2 : 0;
    if (words.size() != taken.value() + 1) {
        std::fputs(usage.data(), stderr);
        return 2;
    }
    return doozer::journal::write(std::string(words.back()), stdin, stderr);
}
