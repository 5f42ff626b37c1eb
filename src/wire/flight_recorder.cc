#include "wire/flight_recorder.h"

#include "wire/archive.h"
#include "wire/member_codec.h"

namespace doozer::wire {

using namespace consensus;

namespace {

constexpr std::string_view magic = "doozer flight 1\n";
constexpr std::size_t checksum_bytes = 2 * sizeof(std::uint64_t);

/// What stands in a segment's records, each behind its kind.
enum class Record : std::uint8_t { input, applied, begun, piece, installed, outcome };

void begin(ArchiveWriter& to, Record kind) {
    to.number(static_cast<std::uint64_t>(kind));
}

/// Passes everything on to the application, and writes down what it says.
class Noting : public Application {
  public:
    Noting(Application& app, std::string& records) : app_(app), records_(records) {}
    Applied apply(Batch const& batch) override {
        Applied applied = app_.apply(batch);
        note(Record::applied, applied);
        return applied;
    }
    void begin_force() override { app_.begin_force(); }
    Applied force(MemberId survivor) override {
        Applied applied = app_.force(survivor);
        note(Record::applied, applied);
        return applied;
    }
    std::uint64_t begin_snapshot() override {
        std::uint64_t const number = app_.begin_snapshot();
        note(Record::begun, SnapshotBegun{number});
        return number;
    }
    SnapshotPiece next_piece(std::uint64_t snapshot) override {
        SnapshotPiece piece = app_.next_piece(snapshot);
        note(Record::piece, PieceTaken{piece.bytes.size(), piece.last, piece.lost});
        return piece;
    }
    void end_snapshot(std::uint64_t snapshot) override { app_.end_snapshot(snapshot); }
    void begin_install() override { app_.begin_install(); }
    bool install_piece(Bytes const& piece) override { return installed(app_.install_piece(piece)); }
    bool finish_install() override { return installed(app_.finish_install()); }
    void abandon_install() override { app_.abandon_install(); }

  private:
    bool installed(bool yes) const {
        note(Record::installed, SnapshotInstalled{yes});
        return yes;
    }
    template <typename Answer>
    void note(Record kind, Answer const& answer) const {
        ArchiveWriter to(records_);
        begin(to, kind);
        to.all(answer);
    }
    Application& app_;
    std::string& records_;
};

/// A snapshot's state can be all there is, and is nothing to the core.
Input without_state(Receive const& in) {
    Snapshot snapshot = std::get<Snapshot>(in.message);
    snapshot.state = Bytes();
    return Receive{in.peer, std::move(snapshot)};
}
bool has_state(Input const& input) {
    auto const* const in = std::get_if<Receive>(&input);
    return in && std::holds_alternative<Snapshot>(in->message);
}

/// Recordings are exchanged only between builds whose cores are made of the same: this digest is
/// that of a young core's bytes, and so another one wherever fields were added or taken away.
std::uint64_t shape() {
    MemberIds const two{MemberId("a"), MemberId("b")};
    std::string bytes;
    ArchiveWriter(bytes).all(Core(two[0], Configuration{{}, Epoch(1), two, two}, Tuning{}));
    Hasher h;
    h.bytes(bytes);
    feed_all(h, member_versions.newest, std::variant_size_v<Input>, std::variant_size_v<Message>);
    return h.digest().low;
}

std::string checksum(std::string_view bytes) {
    Hasher h;
    h.bytes(bytes);
    Digest const d = h.digest();
    std::string sum(checksum_bytes, '\0');
    std::memcpy(sum.data(), &d.high, sizeof d.high);
    std::memcpy(sum.data() + sizeof d.high, &d.low, sizeof d.low);
    return sum;
}

}  // namespace

FlightRecorder::Segment& FlightRecorder::segment_for(Core const& core) {
    bool const full = segments_.empty() || segments_.back().records.size() >= bounds_.bytes ||
                      segments_.back().inputs >= bounds_.inputs;
    if (!full) return segments_.back();
    std::string records;
    if (segments_.size() == 2) {
        records = std::move(segments_.front().records);  // its memory serves again
        records.clear();
        segments_.pop_front();
    }
    segments_.push_back({core, std::move(records), 0, Instant()});
    return segments_.back();
}

Output FlightRecorder::step(Core& core, Instant now, Input const& input, Application& app) {
    DOOZER_ASSERT(!stepping_);
    Segment& segment = segment_for(core);
    ArchiveWriter to(segment.records);
    begin(to, Record::input);
    to.all(now - segment.last);
    if (has_state(input)) {
        to.all(without_state(std::get<Receive>(input)));
    } else {
        to.all(input);
    }
    segment.last = now;
    ++segment.inputs;

    stepping_ = true;
    Noting noting(app, segment.records);
    Output out = core.step(now, input, noting);
    stepping_ = false;

    begin(to, Record::outcome);
    to.number(outcome_of(core, out));
    return out;
}

std::string FlightRecorder::dump(Core const& core) const {
    std::string out(magic);
    ArchiveWriter to(out);
    to.all(shape(), segments_.size());
    for (Segment const& s : segments_) {
        to.all(s.start, s.records.size());
        to.raw(s.records);
    }
    to.all(stepping_ ? std::nullopt : std::optional(digest_of(core)));
    return out + checksum(out);
}

std::uint64_t outcome_of(Core const& core, Output const& out) {
    Hasher h;
    feed_all(h, core.epoch(), core.delivered(), core.applied(), core.unsettled(), out.wake);
    for (Send const& s : out.sends) feed(h, s.message.index());
    for (Ignored const why : out.ignored) feed(h, why);
    for (TraceEvent const& e : out.trace) feed_all(h, e.what, e.epoch, e.value);
    return h.digest().low >> 32U;
}

Digest digest_of(Core const& core) {
    Hasher h;
    feed(h, core);
    return h.digest();
}

// --- reading ---------------------------------------------------------------------------------

namespace {

std::vector<FlightInput> read_records(std::string_view records) {
    std::vector<FlightInput> inputs;
    ArchiveReader from(records);
    Instant now;
    while (from.rest() > 0) {
        std::uint64_t const kind = from.number();
        if (kind > static_cast<std::uint64_t>(Record::outcome)) throw NoArchive{"of no kind"};
        if (static_cast<Record>(kind) == Record::input) {
            now = now + from.take<Duration>();
            inputs.push_back({now, from.take<Input>(), {}, {}});
            continue;
        }
        if (inputs.empty() || inputs.back().outcome) throw NoArchive{"an answer to nothing"};
        switch (static_cast<Record>(kind)) {
            case Record::applied:
                inputs.back().answers.emplace_back(from.take<Applied>());
                break;
            case Record::begun:
                inputs.back().answers.emplace_back(from.take<SnapshotBegun>());
                break;
            case Record::piece:
                inputs.back().answers.emplace_back(from.take<PieceTaken>());
                break;
            case Record::installed:
                inputs.back().answers.emplace_back(from.take<SnapshotInstalled>());
                break;
            default:
                inputs.back().outcome = from.number();
        }
    }
    return inputs;
}

Flight read_flight(ArchiveReader& from) {
    Flight flight;
    auto const segments = from.number();
    if (segments < 1 || segments > 2) throw NoArchive{"neither one segment nor two"};
    for (std::uint64_t n = 0; n < segments; ++n) {
        Core start(MemberId(), {}, Tuning{});
        from.all(start);
        auto inputs = read_records(from.raw(from.number()));
        flight.segments.push_back({std::move(start), std::move(inputs)});
    }
    from.all(flight.end);
    from.finish();
    return flight;
}

}  // namespace

Result<Flight> decode_flight(std::string_view dump) {
    if (!dump.starts_with(magic)) return Error{Errc::other, "not a flight recording"};
    if (dump.size() < magic.size() + checksum_bytes ||
        checksum(dump.substr(0, dump.size() - checksum_bytes)) !=
            dump.substr(dump.size() - checksum_bytes)) {
        return Error{Errc::other, "a damaged flight recording: its checksum does not fit"};
    }
    dump.remove_suffix(checksum_bytes);
    dump.remove_prefix(magic.size());
    ArchiveReader from(dump);
    try {
        if (from.number() != shape()) {
            return Error{Errc::other, "a flight recording of another version of this program"};
        }
        return read_flight(from);
    } catch (NoArchive const& no) {
        return Error{Errc::other, "a damaged flight recording, byte " +
                                      std::to_string(magic.size() + from.position()) + ": " +
                                      no.why};
    }
}

}  // namespace doozer::wire
