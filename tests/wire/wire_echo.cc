// The codec as a filter, for proto_equality_test.py. A line in is "request <hex of a body>" or
// "response <hex>"; a line out is what was read, field by field, then the hex of the body that
// append_request or append_response make of it: "tag=1 path=2f61 | 08012202..." or "refused".
#include <iostream>
#include <sstream>
#include <string>
#include <string_view>

#include "base/limits.h"
#include "wire/client_codec.h"

namespace {

using namespace doozer::wire;

std::string to_hex(std::string_view bytes) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string out;
    for (char const c : bytes) {
        auto const byte = static_cast<unsigned char>(c);
        out.push_back(digits[byte >> 4U]);
        out.push_back(digits[byte & 15U]);
    }
    return out;
}

std::string from_hex(std::string const& hex) {
    std::string out;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
        out.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
    return out;
}

class Fields {
  public:
    template <typename T>
    Fields& number(char const* name, std::optional<T> const& value) {
        if (value) out_ << name << '=' << *value << ' ';
        return *this;
    }
    template <typename T>
    Fields& strong(char const* name, std::optional<T> const& value) {
        if (value) out_ << name << '=' << value->value() << ' ';
        return *this;
    }
    template <typename T>
    Fields& enumerator(char const* name, std::optional<T> const& value) {
        if (value) out_ << name << '=' << static_cast<int>(*value) << ' ';
        return *this;
    }
    Fields& flag(char const* name, bool value) {
        if (value) out_ << name << "=True ";
        return *this;
    }
    Fields& bytes(char const* name, std::optional<std::string_view> const& value) {
        if (value) out_ << name << '=' << to_hex(*value) << ' ';
        return *this;
    }
    Fields& part(char const* name, Fields const& of_part) {
        out_ << name << "={ " << of_part.out_.str() << "} ";
        return *this;
    }
    [[nodiscard]] std::string with_frame(std::string_view frame) const {
        return out_.str() + "| " + to_hex(frame.substr(doozer::base::frame_header_bytes));
    }

  private:
    std::ostringstream out_;
};

std::string request(std::string const& body) {
    auto const read = decode_request(body);
    if (!read.ok()) return "refused";
    Request const& r = read.value();
    std::string frame;
    append_request(frame, r);
    return Fields()
        .strong("tag", r.tag)
        .enumerator("verb", r.verb)
        .bytes("path", r.path)
        .bytes("value", r.value)
        .number("offset", r.offset)
        .strong("rev", r.rev)
        .strong("min_rev", r.min_rev)
        .flag("linear", r.linear)
        .bytes("after", r.after)
        .number("limit", r.limit)
        .with_frame(frame);
}

std::string response(std::string const& body) {
    auto const read = decode_response(body);
    if (!read.ok()) return "refused";
    Response const& r = read.value();
    std::string frame;
    append_response(frame, r);
    Fields fields;
    fields.strong("tag", r.tag)
        .number("flags", r.flags)
        .strong("rev", r.rev)
        .bytes("path", r.path)
        .bytes("value", r.value)
        .number("len", r.len)
        .strong("applied", r.applied);
    for (EventView const& e : r.events) {
        fields.part("events", Fields()
                                  .bytes("path", e.path)
                                  .bytes("value", e.value)
                                  .strong("rev", e.rev)
                                  .number("flags", e.flags));
    }
    return fields.flag("more", r.more)
        .enumerator("err_code", r.err_code)
        .bytes("err_detail", r.err_detail)
        .with_frame(frame);
}

}  // namespace

int main() {
    std::string line;
    while (std::getline(std::cin, line)) {
        std::istringstream words(line);
        std::string kind;
        std::string hex;
        words >> kind >> hex;
        std::cout << (kind == "request" ? request(from_hex(hex)) : response(from_hex(hex))) << '\n';
    }
}
