// doozer: reads, writes and watches the files of a cluster. Source: doozer(1).
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <string_view>
#include <vector>

#include "cli/command_line.h"

namespace {

/// Where standard input or output is closed, a socket would become it, and be written to. What
/// takes the place instead fails: it is open for the opposite direction only.
void occupy_standard_streams() {
    for (int const fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (fcntl(fd, F_GETFD) != -1) continue;
        open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
    }
}

}  // namespace

int main(int argc, char** argv) {
    occupy_standard_streams();
    std::vector<std::string_view> const words(argv + (argc > 0 ? 1 : 0), argv + argc);
    auto const outcome =
        doozer::cli::run(words, doozer::cli::GlobalOptions::from_environment(), stdin, stdout);
    std::fputs(outcome.message.c_str(), stderr);
    return outcome.status;
}
