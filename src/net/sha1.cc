#include "net/sha1.h"

#include <openssl/evp.h>

#include "base/assert.h"

namespace doozer::net {

Sha1 sha1(std::string_view data) {
    static EVP_MD const* const algorithm = EVP_sha1();
    Sha1 sum{};
    unsigned int size = 0;
    int const done =
        EVP_Digest(data.data(), data.size(), reinterpret_cast<unsigned char*>(sum.data()), &size,
                   algorithm, nullptr);
    DOOZER_ASSERT(done == 1);
    DOOZER_ASSERT(size == sum.size());
    return sum;
}

std::string to_hex(Sha1 const& sum) {
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (char const c : sum) {
        auto const byte = static_cast<unsigned char>(c);
        text.push_back(digits[byte >> 4U]);
        text.push_back(digits[byte & 15U]);
    }
    return text;
}

}  // namespace doozer::net
