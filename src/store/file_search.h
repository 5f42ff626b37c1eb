// The files that match a glob at one revision, depth first with names in byte order, from any path
// on: what lies before that path, or beside the literal parts of the glob, is not looked at.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "store/glob.h"
#include "store/listing.h"
#include "store/path.h"
#include "store/tree.h"

namespace doozer::store {

class FileSearch {
  public:
    /// Files after the path `after`, which need not be there; all of them if it is "/".
    FileSearch(Glob glob, Path after, Revision at);

    enum class State {
        end,         ///< all were visited
        stopped,     ///< visit() wanted no more
        unfinished,  ///< the budget is spent
    };
    /// Calls visit(std::string_view path, Version) for each file, as long as it returns true and
    /// the budget lasts. The next call goes on with the next file, and the tree may change between
    /// two calls. REQUIRES: at() is still in the history.
    template <typename Visit>
    State run(Tree const& tree, History const& history, SearchBudget& budget, Visit visit);

    [[nodiscard]] Revision at() const { return at_; }

  private:
    /// Which names come in question in the directories of one depth: those that begin with
    /// `prefix`, or that name alone.
    struct Names {
        std::string prefix;
        bool exact = false;
    };

    /// The next file that matches; its path is in path_. Null: there is none, or the budget is
    /// spent.
    Entry const* next(History const& history, SearchBudget& budget);
    void seek(Tree const& tree, SearchBudget& budget);
    [[nodiscard]] Entry const* next_name(History const& history, SearchBudget& budget) const;
    [[nodiscard]] bool enters(Entry const& directory, SearchBudget& budget) const;
    void push(std::string_view name);
    void pop();

    Glob glob_;
    Revision at_;
    std::vector<Names> names_;  // by depth; deeper, all names come in question
    // Where the search is: in the directory `path_`, "" for "/", after the name `after_` and all
    // that is below it. The pointer is valid during one run() only.
    std::string path_;
    std::string after_;
    std::size_t depth_ = 0;
    Entry const* level_ = nullptr;
    bool complete_ = false;
};

template <typename Visit>
FileSearch::State FileSearch::run(Tree const& tree, History const& history, SearchBudget& budget,
                                  Visit visit) {
    if (complete_) return State::end;
    seek(tree, budget);
    std::string path;
    while (Entry const* const file = next(history, budget)) {
        path = path_;
        path += '/';
        path += after_;
        if (!visit(std::string_view(path), version_at(*file, at_, history))) return State::stopped;
    }
    return complete_ ? State::end : State::unfinished;
}

}  // namespace doozer::store
