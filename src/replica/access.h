// The rights of sessions to read and to write. Source: protocol.md, Access.
#pragma once

#include <string>
#include <string_view>

namespace doozer::replica {

/// What a session may do. Writers may read.
struct Grants {
    bool read = false;
    bool write = false;
};

/// The secrets of the server. Every session has the right of an empty one.
class Access {
  public:
    Access(std::string read_write, std::string read_only)
        : read_write_(std::move(read_write)), read_only_(std::move(read_only)) {}

    /// The rights of a session that has sent no secret.
    [[nodiscard]] Grants initial() const;

    /// Adds the rights of `secret` to `grants`; takes none away. False if the secret gives none.
    bool present(std::string_view secret, Grants& grants) const;

  private:
    std::string read_write_;
    std::string read_only_;
};

}  // namespace doozer::replica
