// An application whose state is small enough to be given away in one piece: those of the tests, of
// the explorer and of benchmarks.
#pragma once

#include <utility>

#include "consensus/application.h"

namespace doozer::consensus {

class SmallApplication : public Application {
  public:
    std::uint64_t begin_snapshot() override { return 1; }  // never two at the same time
    SnapshotPiece next_piece(std::uint64_t /*snapshot*/) override { return {snapshot(), true}; }
    void end_snapshot(std::uint64_t /*snapshot*/) override {}
    void begin_install() override {}
    bool install_piece(Bytes const& piece) override {
        incoming_ = piece;
        return true;
    }
    bool finish_install() override { return install(std::exchange(incoming_, {})); }
    void abandon_install() override {}

    /// The whole state.
    [[nodiscard]] virtual Bytes snapshot() const = 0;
    /// Replaces it. False: these bytes are none, and nothing was changed.
    virtual bool install(Bytes const& snapshot) = 0;

  private:
    Bytes incoming_;
};

}  // namespace doozer::consensus
