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

/// Finds the directory again in which the search goes on. What stands in the way of a path that a
/// client made up is no directory at this revision, or one that the glob does not enter.
void FileSearch::seek(Tree const& tree, SearchBudget& budget) {
    std::string const path = std::exchange(path_, {});
    level_ = &tree.root();
    depth_ = 0;
    for (std::string_view rest = path; !rest.empty();) {
        std::string_view const name = take_component(rest);
        Entry const* const below = level_->directory->children.find(name);
        std::size_t const above = path_.size();
        push(name);
        if (below == nullptr || !enters(*below, budget)) {
            path_.resize(above);
            --depth_;
            after_ = name;
            return;
        }
        level_ = below;
    }
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
