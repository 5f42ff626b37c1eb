#include "server/status.h"

#include <algorithm>
#include <array>

#include "web/json.h"
#include "web/text.h"

namespace doozer::server {

namespace json = web::json;
using base::Duration;
using base::ProcessId;
using replica::LaneStatus;
using replica::MemberStatus;
using replica::ProcessStatus;
using replica::Status;

namespace {

/// Anybody who may write can write what others say of themselves in the tree.
std::string_view clean(std::string_view text) {
    return web::is_utf8(text) ? text : "?";
}

std::int64_t micros(Duration d) {
    return std::max<std::int64_t>(d.value() / base::microseconds(1).value(), 1);
}

template <typename T>
json::value or_null(std::optional<T> const& value, auto number) {
    return value ? json::value(number(*value)) : json::value(nullptr);
}

json::object process_object(ProcessStatus const& p) {
    return {{"id", clean(p.id)},
            {"address", clean(p.address)},
            {"hostname", clean(p.hostname)},
            {"version", clean(p.version)},
            {"self", p.self},
            {"applied", or_null(p.applied, [](base::Revision r) { return r.value(); })},
            {"lag", or_null(p.lag, [](std::int64_t n) { return n; })}};
}

json::object member_object(MemberStatus const& m) {
    json::object object = process_object(m);
    object["slot"] = or_null(m.slot, [](std::string const& s) { return json::string(s); });
    object["owner"] = m.owner;
    object["up"] = m.up;
    object["silent_ms"] =
        or_null(m.silent, [](Duration d) { return d.value() / base::milliseconds(1).value(); });
    object["rtt_us"] = or_null(m.rtt, micros);
    json::object rtts;
    for (auto const& [id, rtt] : m.rtts) rtts[id] = micros(rtt);
    object["rtts_us"] = std::move(rtts);
    return object;
}

json::object lane_object(LaneStatus const& l) {
    return {
        {"owner", l.owner}, {"applied", l.applied}, {"chosen", l.chosen}, {"pending", l.pending}};
}

template <typename Values, typename Make>
json::array array_of(Values const& values, Make make) {
    json::array array;
    for (auto const& value : values) array.emplace_back(make(value));
    return array;
}

json::value commit_object(std::optional<LatencyWindow::Quantiles> const& commit) {
    if (!commit) return nullptr;
    return json::object{{"p50", commit->p50}, {"p99", commit->p99}, {"max", commit->max}};
}

json::object event_object(Chronicle::Event const& e) {
    return {{"seq", e.seq}, {"at_ms", e.at_ms}, {"kind", e.kind}, {"text", clean(e.text)}};
}

json::object store_object(StoreStatus const& store) {
    auto const text = [](std::string const& t) { return json::string(t); };
    replica::Ancestry const& ancestry = store.ancestry;
    std::optional<base::Revision> restored_at;
    if (ancestry.restored_at > base::missing) restored_at = ancestry.restored_at;
    return {{"cluster", store.cluster},
            {"lineage", replica::text_of(store.lineage)},
            {"ancestors", array_of(ancestry.lineages, text)},
            {"restored_at", or_null(restored_at, [](base::Revision r) { return r.value(); })}};
}

}  // namespace

std::string store_text(StoreStatus const& store) {
    return web::text_of(store_object(store));
}

std::string status_text(Status const& s, replica::Ancestry const& ancestry,
                        ProcessFigures const& figures, Chronicle const& chronicle) {
    auto const text = [](std::string const& t) { return json::string(t); };
    json::object object = store_object({s.cluster, s.lineage, ancestry});
    object.insert({
        {"id", s.id},
        {"address", s.address},
        {"role", name_of(s.role)},
        {"version", s.version},
        {"protocol",
         {{"speaks", {figures.member_protocol.oldest, figures.member_protocol.newest}},
          {"rules", s.rules}}},
        {"revision", s.revision.value()},
        {"epoch", s.epoch},
        {"quorum", s.quorum},
        {"voters", s.voters},
        {"majority", s.majority},
        {"members", array_of(s.members, member_object)},
        {"followers", array_of(s.followers, process_object)},
        {"free_slots", array_of(s.free_slots, text)},
        {"lanes", array_of(s.lanes, lane_object)},
        {"connections", figures.connections},
        {"waiters", figures.waiters},
        {"writes", {{"total", figures.writes}, {"per_second", figures.writes_per_second}}},
        {"commit_us", commit_object(figures.commit)},
        {"events", array_of(chronicle.events(), event_object)},
    });
    return web::text_of(object);
}

}  // namespace doozer::server
