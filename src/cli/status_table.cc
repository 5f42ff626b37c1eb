#include "cli/status_table.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include <boost/json/src.hpp>

namespace doozer::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t columns = 7;
using Row = std::array<std::string, columns>;

/// Bytes that move a terminal's cursor are nobody's address.
std::string clean(std::string_view text) {
    std::string value(text);
    std::replace_if(
        value.begin(), value.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
    return value.empty() ? "?" : value;
}

std::string text(json::object const& object, std::string_view name) {
    return clean(object.at(name).as_string());
}

std::optional<std::int64_t> number(json::object const& object, std::string_view name) {
    json::value const& value = object.at(name);
    if (value.is_null()) return std::nullopt;
    return value.to_number<std::int64_t>();
}

std::string or_dash(std::optional<std::int64_t> n) {
    return n ? std::to_string(*n) : "-";
}

std::string in_thousands(std::optional<std::int64_t> n) {
    if (!n || *n < 10'000) return or_dash(n);
    if (*n < 10'000'000) return std::to_string(*n / 1000) + "k";
    return std::to_string(*n / 1'000'000) + "M";
}

std::string round_trip(std::optional<std::int64_t> us) {
    if (!us) return "-";
    if (*us < 10'000) return std::to_string(*us) + "us";
    return std::to_string(*us / 1000) + "ms";
}

std::string away(std::optional<std::int64_t> ms) {
    if (!ms) return "away";
    std::int64_t const s = *ms / 1000;
    if (s < 100) return "away " + std::to_string(s) + "s";
    if (s < 100 * 60) return "away " + std::to_string(s / 60) + "m";
    return "away " + std::to_string(s / 3600) + "h";
}

Row row_of(json::object const& process) {
    std::string const mark = process.at("self").as_bool() ? "*" : " ";
    return {mark,
            text(process, "id"),
            text(process, "address"),
            "follower",
            or_dash(number(process, "applied")),
            in_thousands(number(process, "lag")),
            "-"};
}

Row row_of_member(json::object const& member) {
    Row row = row_of(member);
    row[0] += member.at("slot").is_null() ? "-" : text(member, "slot");
    bool const owner = member.at("owner").as_bool();
    row[3] = !member.at("up").as_bool() ? away(number(member, "silent_ms"))
             : owner                    ? "owner"
                                        : "member";
    row[6] = round_trip(number(member, "rtt_us"));
    return row;
}

std::string lines_of(std::vector<Row> const& rows) {
    std::array<std::size_t, columns> widths{};
    for (Row const& row : rows) {
        for (std::size_t c = 0; c < columns; ++c) widths[c] = std::max(widths[c], row[c].size());
    }
    constexpr std::size_t first_number = 4;
    std::string out;
    for (Row const& row : rows) {
        for (std::size_t c = 0; c < columns; ++c) {
            std::string const pad(widths[c] - row[c].size(), ' ');
            if (c > 0) out += c < first_number ? "  " : " ";
            out += c < first_number ? row[c] + pad : pad + row[c];
        }
        out += '\n';
    }
    return out;
}

std::string head(json::object const& s) {
    std::string const voters = std::to_string(*number(s, "voters"));
    std::string out = "cluster " + text(s, "cluster") + ", lineage " + text(s, "lineage") + "\n";
    out += "revision " + std::to_string(*number(s, "revision")) + ", epoch " +
           std::to_string(*number(s, "epoch")) + ", this is a " + text(s, "role") + "\n";
    if (s.at("quorum").as_bool()) {
        out += "quorum: yes, of " + voters + (voters == "1" ? " member\n" : " members\n");
    } else {
        out += "quorum: NO, " + std::to_string(*number(s, "majority")) + " of " + voters +
               " members are needed: nothing can be changed\n";
    }
    return out;
}

std::string free_slots(json::object const& s) {
    json::array const& slots = s.at("free_slots").as_array();
    if (slots.empty()) return "";
    std::string out = "free slots:";
    for (json::value const& slot : slots) out += " " + clean(slot.as_string());
    return out + "\n";
}

std::string whole(json::object const& s) {
    std::vector<Row> rows{{" SLOT", "ID", "ADDRESS", "STATE", "APPLIED", "LAG", "RTT"}};
    for (json::value const& member : s.at("members").as_array()) {
        rows.push_back(row_of_member(member.as_object()));
    }
    std::sort(rows.begin() + 1, rows.end(),
              [](Row const& a, Row const& b) { return a[0].substr(1) < b[0].substr(1); });
    for (json::value const& follower : s.at("followers").as_array()) {
        rows.push_back(row_of(follower.as_object()));
    }
    return head(s) + "\n" + lines_of(rows) + free_slots(s);
}

}  // namespace

std::optional<std::string> status_table(std::string_view document) {
    try {
        return whole(json::parse({document.data(), document.size()}).as_object());
    } catch (std::exception const&) {
        return std::nullopt;
    }
}

std::optional<StatusOfProcess> process_in(std::string_view document) {
    try {
        json::object const s = json::parse({document.data(), document.size()}).as_object();
        return StatusOfProcess{text(s, "cluster"), text(s, "id"), text(s, "address")};
    } catch (std::exception const&) {
        return std::nullopt;
    }
}

}  // namespace doozer::cli
