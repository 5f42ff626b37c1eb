// What dumpjournal does. Source: dumpjournal(1).
#pragma once

#include <cstdio>
#include <string>

namespace doozer::journal {

struct DumpOptions {
    bool repair = false;   ///< cut the journal behind the last good record
    bool json = false;     ///< an object for each mutation
    bool verify = false;   ///< tell of every record's offset and check
    bool summary = false;  ///< tell of the whole at the end
};

/// Prints the mutations to `out` and everything else to `err`. Returns the exit status: 0, or 2 if
/// the journal cannot be read to its end (and was not repaired).
int dump(std::string const& name, DumpOptions const& options, std::FILE* out, std::FILE* err);

/// Appends each line of `in` as a mutation, and forces them to disk. Returns the exit status: 0, or
/// 2 with a line on `err` if the journal is damaged or a line is no mutation; those before it are
/// in the journal then, and the message says how many.
int write(std::string const& name, std::FILE* in, std::FILE* err);

/// One line: {"rev":1,"op":"set","path":"/a","value":"b"}; a value that is no UTF-8 text comes as
/// "base64" in place of "value". Data that is no mutation comes as {"data":...} or {"base64":...}.
std::string to_json(std::string_view data);

}  // namespace doozer::journal
