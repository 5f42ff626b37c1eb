#include "cli/tree.h"

#include <algorithm>

namespace doozer::cli {
namespace {

std::size_t shared_length(std::string_view a, std::string_view b) {
    auto const differ = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
    return static_cast<std::size_t>(differ.first - a.begin());
}

}  // namespace

std::string tree(std::string_view root, std::span<Event const> files) {
    std::string text(root);
    text += '\n';
    std::string const first = root == "/" ? "/" : std::string(root) + "/";
    std::string_view previous = first;
    for (Event const& file : files) {
        std::string_view const path = file.path;
        // A slash behind what both paths share ends the name of a directory that is new.
        std::size_t slash = path.find('/', shared_length(previous, path));
        for (; slash != path.npos; slash = path.find('/', slash + 1))
            text.append(path.substr(0, slash)).append("\n");
        text.append(path).append("\n");
        previous = path;
    }
    return text;
}

}  // namespace doozer::cli
