#include "web/piecewise.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>

#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>

#include "web/text.h"

namespace doozer::web {
namespace {

constexpr Item::Names names{"value", "base64"};

/// All at once, as a JSON library makes it.
std::string twin(std::string const& value, std::size_t bytes_max) {
    if (!is_utf8(value)) return "\"base64\":\"" + to_base64(value.substr(0, bytes_max)) + "\"";
    return "\"value\":" + boost::json::serialize(boost::json::string(cut_utf8(value, bytes_max)));
}

RC_GTEST_PROP(Item, MakesInPiecesWhatALibraryMakesAtOnce, ()) {
    auto const value = *rc::gen::oneOf(
        rc::gen::arbitrary<std::string>(),
        rc::gen::container<std::string>(rc::gen::inRange<char>(0, 127)),
        rc::gen::map(rc::gen::container<std::string>(rc::gen::element('a', '"', '\x01')),
                     [](std::string const& s) { return "\xc3\xa9" + s + "\xe2\x82\xac"; }));
    std::size_t const bytes_max = *rc::gen::element<std::size_t>(0, 1, 3, 1000);
    std::size_t const repeat = *rc::gen::element<std::size_t>(1, 1000);
    std::string long_value;
    for (std::size_t i = 0; i < repeat; ++i) long_value += value;
    RC_ASSERT(text_of(Item("{", Bytes(long_value), names, "}", bytes_max * repeat)) ==
              "{" + twin(long_value, bytes_max * repeat) + "}");
}

TEST(Item, OneStepMakesALittle) {
    std::string const value(4 * MiB, '\x01');
    Item item("{", Bytes(value), names, "}");
    std::string all;
    std::size_t steps = 0;
    while (!item.is_done()) {
        StepBudget budget;
        std::string part;
        item.make(part, budget);
        EXPECT_LE(part.size(), web_step_bytes + 16);
        all += part;
        ++steps;
    }
    EXPECT_EQ(all.size(), 6 * value.size() + 2 + 10);
    EXPECT_GE(steps, value.size() / web_step_work);
}

TEST(Item, TheLastPartIsNotEmpty) {
    for (std::size_t size = web_step_bytes - 40; size < web_step_bytes + 8; ++size) {
        Item item("{", Bytes(std::string(size, 'x')), names, "}");
        std::string part;
        while (!item.is_done()) {
            StepBudget budget;
            part.clear();
            item.make(part, budget);
        }
        EXPECT_FALSE(part.empty()) << size;
        Item text(std::string(size, 'x'));
        StepBudget budget;
        part.clear();
        text.make(part, budget);
        EXPECT_TRUE(text.is_done() && part.size() == size) << size;
    }
}

TEST(Item, CountsItsShareOfTheValue) {
    Bytes const value(std::string(1000, 'x'));
    Item const item("", value, names, "");
    EXPECT_GE(item.charge(), 500U);
    EXPECT_LT(item.charge(), 600U);
}

}  // namespace
}  // namespace doozer::web
