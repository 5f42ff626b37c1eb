#include "store/file_search.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace doozer::store {
namespace {

/// Lets through the names that are a file or a directory at a revision. It also lets through the
/// first name that ends the search of a directory, there or not: the first one when the budget is
/// spent, and the first one without the prefix, for none after it has it.
struct NamesAt {
    Revision at;
    History const* history;
    SearchBudget* budget;
    std::string_view prefix;

    [[nodiscard]] bool subtree(Presence const& presence) const {
        budget->use();
        return presence.present > 0 || presence.changed > at;
    }
    [[nodiscard]] bool leaf(Entry const& entry) const {
        budget->use();
        return budget->spent() || !entry.key().starts_with(prefix) ||
               version_at(entry, at, *history).rev != missing ||
               directory_at(entry, at).has_value();
    }
};

}  // namespace

FileSearch::FileSearch(Glob glob, Path after, Revision at) : glob_(std::move(glob)), at_(at) {
    if (!after.is_root()) path_ = after.text();
    bool found_run = false;
    for (std::string_view rest = glob_.text(); rest.size() > 1 && !found_run;) {
        std::string_view const component = take_component(rest);
        std::size_t const wildcard = component.find_first_of("*?");
        found_run = component.find("**") != component.npos;
        names_.push_back({std::string(component.substr(0, wildcard)), wildcard == component.npos});
    }
}

/// Finds the directory again in which the search goes on: the path's, or the one in which the path
/// ends at this revision.
void FileSearch::seek(Tree const& tree, SearchBudget& budget) {
    bool const is_first = level_ == nullptr;
    std::string const path = std::exchange(path_, {});
    std::vector<std::size_t> ends;  // of the directories' paths
    level_ = &tree.root();
    depth_ = 0;
    for (std::string_view rest = path; !rest.empty();) {
        std::string_view const name = take_component(rest);
        Entry const* const below = level_->directory->children.find(name);
        budget.use();
        if (below == nullptr || !directory_at(*below, at_)) {
            after_ = name;
            break;
        }
        push(name);
        level_ = below;
        ends.push_back(path_.size());
    }
    if (is_first) {
        // A client can name any path. The glob enters a directory only if it enters all above it,
        // so a few tries tell how far it does.
        auto const entered = std::partition_point(ends.begin(), ends.end(), [&](std::size_t end) {
            budget.use(glob_.cost_max(end));
            return glob_.may_match_below(std::string_view(path_).substr(0, end));
        });
        while (depth_ > static_cast<std::size_t>(entered - ends.begin())) pop();
    }
    // In a directory of 2,000 levels the way there may take all of a small budget, in each turn
    // anew. One step makes sure that the search ends.
    budget.steps = std::max<std::size_t>(budget.steps, 1);
}

Entry const* FileSearch::next(History const& history, SearchBudget& budget) {
    while (!complete_ && !budget.spent()) {
        Entry const* const found = next_name(history, budget);
        if (found == nullptr) {
            complete_ = level_->parent == nullptr;
            if (!complete_) pop();
            continue;
        }
        after_ = found->key();
        if (version_at(*found, at_, history).rev != missing) {
            std::string const path = path_ + '/' + after_;
            budget.use(1 + glob_.cost(path));
            if (glob_.matches(path)) return found;
            continue;
        }
        push(after_);
        if (enters(*found, budget)) {
            level_ = found;
            after_.clear();
        } else {
            path_.resize(path_.size() - 1 - after_.size());
            --depth_;
        }
    }
    return nullptr;
}

/// The first name after after_ in this directory that comes in question.
Entry const* FileSearch::next_name(History const& history, SearchBudget& budget) const {
    static Names const any;
    Names const& names = depth_ < names_.size() ? names_[depth_] : any;
    NamesAt filter{at_, &history, &budget, names.prefix};
    auto const& children = level_->directory->children;
    std::string_view after = after_;
    if (after < names.prefix) {
        Entry const* const named = children.find(names.prefix);
        if (named != nullptr && filter.leaf(*named)) return named;
        after = names.prefix;
    }
    if (names.exact) return nullptr;
    Entry const* const found =
        after.empty() ? children.first(filter) : children.first_after(after, filter);
    return found != nullptr && found->key().starts_with(names.prefix) ? found : nullptr;
}

/// Whether a file can match below the directory of which path_ is the path.
bool FileSearch::enters(Entry const& directory, SearchBudget& budget) const {
    if (!directory_at(directory, at_)) return false;
    budget.use(glob_.cost_max(path_.size()));
    return glob_.may_match_below(path_);
}

void FileSearch::push(std::string_view name) {
    path_ += '/';
    path_ += name;
    ++depth_;
}

void FileSearch::pop() {
    after_ = level_->key();
    path_.resize(path_.size() - 1 - after_.size());
    --depth_;
    level_ = level_->parent;
}

}  // namespace doozer::store
