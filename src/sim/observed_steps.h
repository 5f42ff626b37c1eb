// A look at a process in the middle of its core's steps: in one step a process may apply changes
// and be forced on, which drops the history that would show them.
#pragma once

#include <functional>

#include "consensus/recorder.h"

namespace doozer::sim {

class ObservedSteps : public consensus::Recorder {
  public:
    struct Hooks {
        std::function<void()> begins_force;
        std::function<void(consensus::Batch const&)> applied;  ///< after each batch
        std::function<void()> forced;
    };
    /// `then` is told of the steps, too, unless it is null.
    ObservedSteps(consensus::Recorder* then, Hooks hooks) : then_(then), hooks_(std::move(hooks)) {}

    consensus::Output step(consensus::Core& core, base::Instant now, consensus::Input const& input,
                           consensus::Application& app) override {
        Observed observed(app, hooks_);
        return then_ ? then_->step(core, now, input, observed) : core.step(now, input, observed);
    }

  private:
    class Observed : public consensus::Application {
      public:
        Observed(consensus::Application& app, Hooks const& hooks) : app_(app), hooks_(hooks) {}

        consensus::Applied apply(consensus::Batch const& batch) override {
            auto const applied = app_.apply(batch);
            hooks_.applied(batch);
            return applied;
        }
        void begin_force() override {
            hooks_.begins_force();
            app_.begin_force();
        }
        consensus::Applied force(consensus::MemberId survivor) override {
            auto const applied = app_.force(survivor);
            hooks_.forced();
            return applied;
        }
        std::uint64_t begin_snapshot() override { return app_.begin_snapshot(); }
        consensus::SnapshotPiece next_piece(std::uint64_t snapshot) override {
            return app_.next_piece(snapshot);
        }
        void end_snapshot(std::uint64_t snapshot) override { app_.end_snapshot(snapshot); }
        void begin_install() override { app_.begin_install(); }
        bool install_piece(consensus::Bytes const& piece) override {
            return app_.install_piece(piece);
        }
        bool finish_install() override { return app_.finish_install(); }
        void abandon_install() override { app_.abandon_install(); }

      private:
        consensus::Application& app_;
        Hooks const& hooks_;
    };

    consensus::Recorder* then_;
    Hooks hooks_;
};

}  // namespace doozer::sim
