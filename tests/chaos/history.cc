#include "history.h"

#include <algorithm>
#include <istream>
#include <ostream>
#include <sstream>

namespace chaos {

namespace {

/// One word: what is no letter, digit or one of "/.:" as %xx; "%" alone is the empty text.
std::string word(std::string const& any) {
    static constexpr char digits[] = "0123456789abcdef";
    if (any.empty()) return "%";
    std::string out;
    for (char const c : any) {
        auto const byte = static_cast<unsigned char>(c);
        bool const plain = std::isalnum(byte) != 0 || c == '/' || c == '.' || c == ':' || c == '-';
        if (plain) {
            out += c;
        } else {
            out += '%';
            out += digits[byte >> 4U];
            out += digits[byte & 15U];
        }
    }
    return out;
}

std::string text(std::string const& w) {
    std::string out;
    if (w == "%") return out;
    for (std::size_t i = 0; i < w.size(); ++i) {
        if (w[i] != '%' || i + 2 >= w.size()) {
            out += w[i];
            continue;
        }
        out += static_cast<char>(std::stoi(w.substr(i + 1, 2), nullptr, 16));
        i += 2;
    }
    return out;
}

void write_change(std::ostream& out, Change const& c) {
    out << c.rev << ' ' << static_cast<int>(c.kind) << ' ' << word(c.path) << ' ' << word(c.value)
        << '\n';
}

bool read_change(std::istream& in, Change& c) {
    int kind = 0;
    if (!(in >> c.rev >> kind >> c.path >> c.value)) return false;
    c.kind = static_cast<ChangeKind>(kind);
    c.path = text(c.path);
    c.value = text(c.value);
    return true;
}

bool read_op(std::istream& in, Op& op) {
    int kind = 0;
    int state = 0;
    if (!(in >> op.id >> op.session >> kind >> op.path >> op.value >> op.expected >> op.min_rev >>
          op.start >> op.end >> state >> op.rev >> op.succeeded)) {
        return false;
    }
    op.kind = static_cast<OpKind>(kind);
    op.state = static_cast<OpState>(state);
    op.path = text(op.path);
    op.value = text(op.value);
    return true;
}

bool read_watch(std::istream& in, Watch& watch) {
    if (!(in >> watch.prefix >> watch.from >> watch.upto)) return false;
    watch.prefix = text(watch.prefix);
    return true;
}

bool read_line(std::istream& in, History& into) {
    std::string what;
    in >> what;
    if (what == "op") return read_op(in, into.ops.emplace_back());
    if (what == "watch") return read_watch(in, into.watches.emplace_back());
    if (what == "told") {
        return !into.watches.empty() && read_change(in, into.watches.back().told.emplace_back());
    }
    std::string address;
    return what == "log" && in >> address && read_change(in, into.logs[address].emplace_back());
}

}  // namespace

void write(std::ostream& out, Op const& op) {
    out << "op " << op.id << ' ' << op.session << ' ' << static_cast<int>(op.kind) << ' '
        << word(op.path) << ' ' << word(op.value) << ' ' << op.expected << ' ' << op.min_rev << ' '
        << op.start << ' ' << op.end << ' ' << static_cast<int>(op.state) << ' ' << op.rev << ' '
        << op.succeeded << '\n';
}

void write(std::ostream& out, Watch const& watch) {
    out << "watch " << word(watch.prefix) << ' ' << watch.from << ' ' << watch.upto << '\n';
    for (Change const& change : watch.told) {
        out << "told ";
        write_change(out, change);
    }
}

void write_log(std::ostream& out, std::string const& address, Change const& change) {
    out << "log " << address << ' ';
    write_change(out, change);
}

std::optional<std::size_t> read(std::istream& in, History& into) {
    std::string line;
    for (std::size_t number = 1; std::getline(in, line); ++number) {
        std::istringstream words(line);
        if (!read_line(words, into)) return number;
    }
    return std::nullopt;
}

}  // namespace chaos
