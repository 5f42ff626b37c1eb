// How long a journal takes to be read and to be compacted. It is compacted in place.
//
//   journal_bench FILE
#include <chrono>
#include <cinttypes>
#include <cstdio>

#include "journal/journal.h"

namespace {

double seconds_since(std::chrono::steady_clock::time_point begin) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

int main(int argc, char** argv) {
    using doozer::journal::Journal;
    if (argc != 2) {
        std::fputs("Usage: journal_bench FILE\n", stderr);
        return 2;
    }
    auto begin = std::chrono::steady_clock::now();
    Journal::Found found;
    auto journal = Journal::open(argv[1], false, found);
    if (!journal.ok()) {
        std::fprintf(stderr, "journal_bench: %s\n", journal.error().detail.c_str());
        return 1;
    }
    std::printf("read %" PRIu64 " records, %" PRIu64 " bytes, in %.2f s\n", found.records,
                journal.value().bytes(), seconds_since(begin));
    begin = std::chrono::steady_clock::now();
    journal.value().start_compaction();
    journal.value().wait_for_compaction();
    double const copied = seconds_since(begin);
    auto const step = journal.value().finish_compaction();
    if (!step.ok() || !step.value().taken) {
        std::fputs("journal_bench: the journal is not compacted\n", stderr);
        return 1;
    }
    std::printf("compacted to %zu records, %" PRIu64
                " bytes, in %.2f s, of which %.3f s in the "
                "journal's own thread\n",
                journal.value().index().files().size(), journal.value().bytes(),
                seconds_since(begin), seconds_since(begin) - copied);
    return 0;
}
