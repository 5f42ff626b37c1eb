// Who may read and who may write. Source: protocol.md, Access.
#pragma once

#include <string>
#include <string_view>

namespace doozer::replica {

/// What a session may do. Writers may read.
struct Grants {
    bool read = false;
    bool write = false;
};

/// The secrets of the server; an empty one is one that everybody knows.
class Access {
  public:
    Access(std::string read_write, std::string read_only)
        : read_write_(std::move(read_write)), read_only_(std::move(read_only)) {}

    /// What a session has that said nothing yet.
    [[nodiscard]] Grants initial() const;

    /// Adds to `grants` what `secret` is good for; nothing is ever taken away. False if it is
    /// good for nothing.
    bool present(std::string_view secret, Grants& grants) const;

  private:
    std::string read_write_;
    std::string read_only_;
};

}  // namespace doozer::replica
