// Every bound of the program, by name. Whatever grows with what others send is bounded here.
#pragma once

#include <cstddef>
#include <cstdint>

namespace doozer::base {

inline constexpr std::size_t KiB = 1024;
inline constexpr std::size_t MiB = 1024 * KiB;

// --- names -----------------------------------------------------------------------------------
/// The longest path or glob, in bytes. Every path the original could commit fits: its whole
/// request had to be below 2,980 bytes.
inline constexpr std::size_t path_bytes_max = 4096;
/// The longest name of a cluster, which is a part of paths that the server writes.
inline constexpr std::size_t cluster_name_bytes_max = 255;

// --- the wire --------------------------------------------------------------------------------
/// The length that precedes every message.
inline constexpr std::size_t frame_header_bytes = 4;
/// What a request may hold besides its value: path, numbers, unknown fields.
inline constexpr std::size_t frame_slack_bytes = 64 * KiB;
/// The frame limit is never below this. Source: protocol.md, Malformed input.
inline constexpr std::size_t frame_bytes_floor = 16 * MiB;
/// The default of -maxvalue, and the most it may be set to.
inline constexpr std::size_t value_bytes_default = 1 * MiB;
inline constexpr std::size_t value_bytes_ceiling = 256 * MiB;

/// The largest body of a frame, given the largest value.
constexpr std::size_t frame_bytes_max(std::size_t value_bytes_max) {
    std::size_t const needed = value_bytes_max + frame_slack_bytes;
    return needed > frame_bytes_floor ? needed : frame_bytes_floor;
}
static_assert(frame_slack_bytes >= 2 * path_bytes_max);

// --- connections -----------------------------------------------------------------------------
/// How much is read from a connection at a time.
inline constexpr std::size_t read_chunk_bytes = 64 * KiB;
/// A connection with more output waiting than this is not read from until it has drained.
inline constexpr std::size_t output_bytes_pause = 1 * MiB;
/// A connection with more requests outstanding than this is not read from until some are
/// answered. 16,384 small ones must always fit. Source: protocol.md, Framing.
inline constexpr std::size_t requests_outstanding_pause = 262'144;
/// The same bound in bytes of paths and values.
inline constexpr std::size_t requests_outstanding_bytes_pause = 64 * MiB;

// --- proposals -------------------------------------------------------------------------------
/// A turn of the loop that has brought more changes than this, in bytes, ends.
inline constexpr std::size_t turn_proposals_bytes = 1 * MiB;
/// A batch that is as large as this takes no further change. A single change may be larger:
/// then it is a batch of its own.
inline constexpr std::size_t batch_bytes_full = 256 * KiB;
inline constexpr std::size_t batch_mutations_max = 4096;
/// With more changes than this waiting, in bytes, clients are not read from.
inline constexpr std::size_t proposals_bytes_pause = 8 * MiB;
/// A batch that was larger does not leave its memory to the next.
inline constexpr std::size_t batch_capacity_kept_max = 4 * MiB;

// --- the store -------------------------------------------------------------------------------
/// The default of -hist, in revisions, and of -histbytes. Source: doozerd(8).
inline constexpr std::int64_t history_revisions_default = 360'000;
inline constexpr std::size_t history_bytes_default = 256 * MiB;
/// The default of -maxmem, and the least that is accepted.
inline constexpr std::size_t memory_bytes_default = 1024 * MiB;
inline constexpr std::size_t memory_bytes_floor = 16 * MiB;
/// How many positions of listings in progress (one glob or directory at one revision) are
/// remembered so that the next offset is found at once.
inline constexpr std::size_t listings_max = 256;
/// How many files, names or events one turn of the loop looks at for requests that search (WALK,
/// GETDIR, WAIT in the past) before it lets others have their turn.
inline constexpr std::size_t search_steps_per_turn = 32'768;

/// About how much one answer to LIST carries: paths and values, unless one file alone is larger.
inline constexpr std::size_t list_page_bytes = 64 * KiB;
/// What an event takes in an answer besides its path and its values, at most.
inline constexpr std::size_t event_overhead_bytes = 48;
static_assert(list_page_bytes > path_bytes_max + event_overhead_bytes);

// --- the client library (what its users meet is in include/doozer/client.h) --------------------
/// The longest host name. Source: RFC 1035, 2.3.4.
inline constexpr std::size_t host_bytes_max = 253;
/// How many addresses of one cluster a client keeps; the DzNS could name any number.
inline constexpr std::size_t client_addresses_max = 1024;
/// Requests are gathered into one send until they have this many bytes.
inline constexpr std::size_t client_send_bytes = 256 * KiB;
/// How many offsets of one WALK or GETDIR listing are asked for at a time.
inline constexpr std::size_t listing_requests_max = 64;

// --- consensus -------------------------------------------------------------------------------
/// Batches of its own that a member has on their way at once, and their bytes: the
/// window of its lane.
inline constexpr std::size_t lane_window_batches = 16;
inline constexpr std::size_t lane_window_bytes = 4 * MiB;
/// What an owner has sent of its lane to one voter that has not acknowledged it: one batch, or more
/// up to this. The rest follows as the voter takes it. The same for batches that a voter without a
/// lane has handed to an owner. It is little enough for votes not to wait long behind it.
inline constexpr std::size_t lane_stream_bytes = 1 * MiB;
/// Batches that an owner holds for voters that are not owners, and their bytes; more are dropped
/// and sent again.
inline constexpr std::size_t forwarded_batches_max = 64;
inline constexpr std::size_t forwarded_bytes_max = 16 * MiB;
/// Batches submitted and not yet applied; more are refused.
inline constexpr std::size_t unsettled_batches_max = 4096;
/// The tail of the log that is kept for those who are behind, and how many epochs it may span.
inline constexpr std::size_t log_bytes_default = 64 * MiB;
inline constexpr std::size_t log_epochs_max = 1024;
/// About how much of the log one answer carries.
inline constexpr std::size_t decided_bytes_max = 1 * MiB;
/// What a member holds back of an epoch's end while it catches up; beyond it asks anew.
inline constexpr std::size_t catch_up_bytes_max = 256 * MiB;
/// About how much of a copy of everything is made, sent and taken in at a time; a file is not cut.
inline constexpr std::size_t snapshot_piece_bytes = 256 * KiB;
/// How many pieces of a copy are asked for before the first of them is there, so that a long way to
/// the giver is filled.
inline constexpr std::size_t snapshot_pieces_ahead = 16;

/// The longest message between members that can be told.
inline constexpr std::size_t member_message_bytes_max = 4096 * MiB - 1;
/// The largest batch: it was full but for one byte when the largest value came.
constexpr std::size_t batch_bytes_max(std::size_t value_bytes_max) {
    return batch_bytes_full + value_bytes_max + frame_slack_bytes;
}
/// The longest message of members that follow the protocol: a promise, with all that the lanes of
/// seven owners have under way, and as much that was accepted.
constexpr std::size_t member_message_bytes(std::size_t value_bytes_max) {
    return 2 * 7 * (lane_window_bytes + batch_bytes_max(value_bytes_max));
}
/// A flight recorder keeps one to two times as much as this of the last inputs.
inline constexpr std::size_t flight_segment_bytes = 8 * MiB;
inline constexpr std::size_t flight_segment_inputs = 65'536;
/// Linearizable reads that wait; more are refused.
inline constexpr std::size_t reads_waiting_max = 65'536;

/// What a status tells of at most: followers, free slots, past events; and of each text in it.
inline constexpr std::size_t status_entries_max = 256;
inline constexpr std::size_t status_text_bytes_max = 256;

// --- links between members -------------------------------------------------------------------
/// The largest part of a message that is sent in one piece; larger messages go in several.
inline constexpr std::size_t member_part_bytes_max = 256 * KiB;
/// Messages above this go over the connection for bulk, unless the sender wants otherwise.
inline constexpr std::size_t member_bulk_bytes = member_part_bytes_max;
/// A link with more than this waiting, behind the message that is being sent, is cut off. Members
/// that follow the protocol have lane_stream_bytes of the lane on their way, the same of forwarded
/// batches, and one value more of each.
constexpr std::size_t member_queue_bytes(std::size_t value_bytes_max) {
    return 8 * MiB + 4 * batch_bytes_max(value_bytes_max);
}
/// What waits for bulk; more is dropped, and asked for again by those that need it: two of the
/// longest messages, for a peer may seal while the answer to its last round is on its way.
constexpr std::size_t member_bulk_queue_bytes(std::size_t value_bytes_max) {
    return 2 * member_message_bytes(value_bytes_max);
}
/// The same for answers to a FETCH, of which a peer has one outstanding, or the pieces of a copy.
constexpr std::size_t member_answers_bytes(std::size_t value_bytes_max) {
    return 2 * decided_bytes_max +
           (snapshot_pieces_ahead + 1) * (snapshot_piece_bytes + value_bytes_max);
}
/// What the greeting of a member may hold.
inline constexpr std::size_t member_greeting_bytes_max = 4 * KiB;
/// Accepted connections of members whose greeting has not come yet; the oldest makes room.
inline constexpr std::size_t member_greetings_max = 64;
/// Refusals that are remembered so that the log does not repeat them.
inline constexpr std::size_t member_reports_max = 64;
/// The longest secret of clients that a file may hold.
inline constexpr std::size_t client_secret_bytes_max = 4096;
/// The length of a cluster secret.
inline constexpr std::size_t cluster_secret_bytes_min = 16;
inline constexpr std::size_t cluster_secret_bytes_max = 4096;
/// How many files and directories /ctl/cal takes. Seven slots can be filled; the rest is for
/// operators who number their slots in their own way. All members list them many times a second.
inline constexpr std::size_t calendar_entries_max = 64;
// --- the journal ---------------------------------------------------------------------------------
/// The largest data of a record: the original reads no larger one. Source: persistence.md.
inline constexpr std::size_t journal_record_bytes_max = 2 * MiB;
/// How much is read from a journal at a time.
inline constexpr std::size_t journal_read_bytes = 1 * MiB;
/// Changes share one sync until they have this many bytes.
inline constexpr std::size_t journal_group_bytes_max = 8 * MiB;
/// The most that a loss of power in mid-write can leave behind the last good record.
inline constexpr std::size_t journal_torn_bytes_max =
    journal_group_bytes_max + journal_record_bytes_max + 64 * KiB;
/// How much is hashed to find out whether anything behind a damage is a record.
inline constexpr std::size_t journal_search_bytes_max = 1024 * MiB;

// --- doozerp -------------------------------------------------------------------------------------
/// WAITs that are outstanding at once, each for another revision.
inline constexpr std::size_t persist_waits_max = 64;
/// Events that wait to be journaled, and their bytes, beyond which no more are asked for.
inline constexpr std::size_t persist_events_waiting_max = 8192;
inline constexpr std::size_t persist_bytes_waiting_max = 32 * MiB;
/// Acknowledgements that are unanswered at once; the others wait, one for each path.
inline constexpr std::size_t persist_acks_outstanding_max = 4096;
/// How many files of a cluster are asked for at once when all are read or written.
inline constexpr std::size_t persist_copy_requests_max = 64;
/// How often reading all files begins anew because the history went on meanwhile.
inline constexpr int persist_copy_attempts_max = 10;
/// How much a journal may be larger than twice its live data before it is compacted.
inline constexpr std::size_t journal_slack_bytes_default = 16 * MiB;

// --- the web view ----------------------------------------------------------------------------
/// Connections at a time; more are closed at once.
inline constexpr std::size_t web_connections_max = 4096;
/// Request line and headers.
inline constexpr std::size_t web_header_bytes_max = 16 * KiB;
/// About how much a listing or a history carries in one answer; the rest is asked for again.
inline constexpr std::size_t web_answer_bytes_max = 8 * MiB;
/// Entries of a listing or a history in one answer: the default, and the most.
inline constexpr std::size_t web_entries_default = 1000;
inline constexpr std::size_t web_entries_max = 10'000;
/// An event stream or a page with more output waiting than this is told nothing more until it has
/// taken that. What it missed it is told from the history.
inline constexpr std::size_t web_output_bytes_pause = 256 * KiB;
/// How many events one event stream or page looks at before others have their turn.
inline constexpr std::size_t web_events_per_service = 256;
/// How many events are kept as text, and up to which size of their values.
inline constexpr std::size_t web_cached_events = 1024;
inline constexpr std::size_t web_cached_event_bytes_max = 4 * KiB;
/// Files of one page that have changed and were not sent yet; a page that has more starts afresh.
inline constexpr std::size_t web_page_changes_max = 65'536;
/// What a browser sends on a WebSocket.
inline constexpr std::size_t web_client_frame_bytes_max = 16 * KiB;

}  // namespace doozer::base
