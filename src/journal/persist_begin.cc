// How a Persister begins: what the journal and the cluster have to do with each other.
#include <unistd.h>

#include <array>
#include <charconv>
#include <filesystem>
#include <random>
#include <system_error>
#include <utility>

#include "base/limits.h"
#include "journal/persist.h"
#include "journal/restore.h"

namespace doozer::journal {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// How long a member may need to hear of what others have.
constexpr milliseconds catch_up_patience{2000};
constexpr milliseconds poll{100};
constexpr int instance_attempts_max = 1000;
char const* const counter_path = "/ctl/persistence/id";

Error failed(std::string why) {
    return {Errc::other, std::move(why)};
}

/// The number in the file that counts the instances. A file that is missing stands for 0.
Result<std::int64_t> counted(File const& file) {
    std::string_view text = file.value;
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
    if (text.empty()) return std::int64_t{0};
    std::int64_t number = 0;
    auto const read = std::from_chars(text.data(), text.data() + text.size(), number);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size() || number < 0)
        return failed(std::string(counter_path) + " holds no number");
    return number;
}

/// Says who writes which journal, and differs from what any other doozerp has ever written.
std::string new_token(std::string const& journal) {
    std::array<char, 256> host{};
    if (gethostname(host.data(), host.size() - 1) != 0) host[0] = 0;
    std::error_code ignored;
    std::random_device entropy;
    std::string text = host.data();
    text += ":" + std::filesystem::absolute(journal, ignored).string() + " ";
    for (int i = 0; i < 4; ++i) text += std::to_string(entropy());
    return text;
}

}  // namespace

Result<Done> Persister::begin() {
    if (options_.restore)
        if (auto const done = restore_journal(); !done.ok()) return done.error();
    if (auto const done = compare(); !done.ok()) return done.error();
    if (auto const done = take_instance(); !done.ok()) return done.error();
    acknowledgements_ =
        std::make_unique<Acknowledgements>(client_, instance_, options_.mirrors, metrics_, log_);
    metrics_.instance = instance_;
    metrics_.note_lag(steady_clock::now());
    if (auto const done = introduce(); !done.ok()) return done.error();
    if (options_.instance != 0 && options_.mirrors)
        if (auto const done = acknowledge_what_is_missing(); !done.ok()) return done.error();
    auto const committed = commit();
    if (!committed.ok()) return failed(committed.error().detail);
    log_("instance " + std::to_string(instance_) + ": " + journal_.name() + " has " +
         std::to_string(journal_.index().files().size()) + " files, going on " +
         (copy_first_ ? std::string("with a copy of the cluster's")
                      : "from revision " + std::to_string(done_.next().value())));
    return Done{};
}

// --- restoring -----------------------------------------------------------------------------------

/// The files get new revisions, so the journal is written anew with these.
Result<Done> Persister::restore_journal() {
    auto const began = steady_clock::now();
    ProgressBar bar;
    auto const restored =
        restore(client_, journal_, options_.force,
                [&](std::uint64_t done, std::uint64_t all) { bar.show(done, all); });
    if (!restored.ok()) return restored.error();
    double const seconds = std::chrono::duration<double>(steady_clock::now() - began).count();
    log_("restored " + std::to_string(restored->written) + " files, " +
         std::to_string(restored->same) + " more were there already, in " +
         std::to_string(seconds) + " s");
    if (journal_.index().is_empty()) return Done{};

    auto anew = journal_.begin_anew();
    if (!anew.ok()) return failed(anew.error().detail);
    CopyTarget const target{anew.value(), [&](Mutation const& m) { anew.value().add(m); },
                            [] { return Done{}; }, [&] { return anew.value().commit(); }};
    auto const at = copy_difference(client_, target);
    if (!at.ok()) return at.error();
    auto const replaced = journal_.replace_by(std::move(anew).value());
    if (!replaced.ok()) return failed(replaced.error().detail);
    return Done{};
}

// --- whether they belong together
// ------------------------------------------------------------------

/// Decides where to go on, or that it must not be.
Result<Done> Persister::compare() {
    Revision const last(journal_.index().last().rev.value());
    done_ = last;
    auto const end = steady_clock::now() + catch_up_patience;
    for (;;) {
        auto const rev = client_.rev();
        if (!rev.ok()) return rev.error();
        if (*rev >= last) break;
        if (is_stopped_within(poll)) return failed("stopped");
        if (steady_clock::now() >= end)
            return failed("the journal is newer than the cluster: it ends at revision " +
                          std::to_string(last.value()) + ", the cluster is at " +
                          std::to_string(rev->value()) +
                          "; found the cluster from the journal (doozerd -restore), or restore it "
                          "with -r, or begin another journal");
    }
    if (last == missing) {
        if (!journal_.index().files().empty())
            log_(
                "the journal holds changes of revision 0, which are of no cluster: they stay in "
                "it; "
                "-r writes them into the cluster");
        return Done{};
    }
    auto const same = is_same_history(last);
    if (!same.ok()) return same.error();
    copy_first_ = !*same;
    return Done{};
}

/// Whether the cluster's history has the journal's last change; an error if it has another one in
/// its place.
Result<bool> Persister::is_same_history(Revision last) {
    auto const event = client_.wait("/**", last);
    if (!event.ok() && event.error().code == Errc::too_late) return false;
    if (!event.ok()) return event.error();
    if (event->rev != last) return false;
    auto const data = journal_.read(journal_.index().last().place);
    if (!data.ok()) return failed(data.error().detail);
    Mutation mutation{base::Revision(last.value()), event->path, std::nullopt};
    if (event->is_set()) mutation.value = event->value;
    if (to_text(mutation) == data.value()) return true;
    return failed("this is not the cluster that was journaled: its revision " +
                  std::to_string(last.value()) + " is another change than the journal's");
}

// --- the number ----------------------------------------------------------------------------------

Result<Done> Persister::take_instance() {
    for (int attempt = 0; attempt < instance_attempts_max; ++attempt) {
        auto const taken = try_instance();
        if (!taken.ok()) return taken.error();
        if (*taken) return Done{};
    }
    return failed(std::string(counter_path) + " was changed by others all the time");
}

Result<bool> Persister::try_instance() {
    auto const file = client_.get(counter_path);
    if (!file.ok()) return file.error();
    auto const count = counted(*file);
    if (!count.ok()) return count.error();
    instance_ = options_.instance != 0 ? options_.instance : *count + 1;
    // A number that is kept must not be given to another one either.
    if (*count >= instance_) return true;
    auto const written = client_.set(counter_path, std::to_string(instance_), file->rev);
    if (written.ok()) return true;
    auto const code = written.error().code;
    if (code == Errc::rev_mismatch || code == Errc::unknown_outcome) return false;
    return written.error();
}

std::string Persister::token_path() const {
    return "/ctl/persistence/journal/" + std::to_string(instance_);
}

/// Leaves the file by which the cluster is known again.
Result<Done> Persister::introduce() {
    token_ = new_token(journal_.name());
    for (;;) {
        std::uint64_t const connection = client_.connections();
        auto const written = client_.set(token_path(), token_, clobber);
        if (!written.ok() && written.error().code == Errc::unknown_outcome) continue;
        if (!written.ok()) return written.error();
        token_rev_ = *written;
        if (client_.connections() == connection) connections_.insert(connection);
        acknowledgements_->add_all_to(done_);
        return Done{};
    }
}

/// An instance that keeps its number may have died between a sync and its acknowledgements.
Result<Done> Persister::acknowledge_what_is_missing() {
    std::string const root = mirror_of(instance_, "");
    auto const mirrors = client_.walk(root + "/**");
    if (!mirrors.ok()) return mirrors.error();
    std::unordered_map<std::string, std::string> acknowledged;
    for (Event const& mirror : *mirrors)
        acknowledged.emplace(mirror.path.substr(root.size()), mirror.value);
    for (auto const& [path, entry] : journal_.index().files()) {
        if (entry.rev == base::missing) continue;  // no change of this cluster
        auto const found = acknowledged.find(path);
        bool const is_known = found != acknowledged.end();
        if (!is_known || found->second != std::to_string(entry.rev.value()))
            acknowledgements_->add(path, Revision(entry.rev.value()));
        if (is_known) acknowledged.erase(found);
    }
    for (auto const& [path, value] : acknowledged) acknowledgements_->add(path, std::nullopt);
    return Done{};
}

}  // namespace doozer::journal
