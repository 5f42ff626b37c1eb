"""What `doozer help <command>` prints: the original's texts, which scripts and people know."""

USAGE = {
    "add": """Use: doozer [options] add [options] <path>

Sets the body of the file located at <path> only if it didn't already exist.

Equivalent to

  set <path> 0

The body is read from stdin. If the file already exists,
no change will be made.

Prints the new revision on stdout, or an error message on stderr.
""",
    "del": """Use: doozer [options] del [options] <path> <rev>

Deletes the file at <path>.

If <rev> is not greater than or equal to the revision of the file,
no change will be made.
""",
    "find": """Use: doozer [options] find [options] <path>

Prints the tree rooted at <path>

Prints the path for each file or directory, one per line.
""",
    "get": """Use: doozer [options] get [options] <path>

Prints the body of the file at <path>.
""",
    "help": """Use: doozer [options] help [options] <command>

""",
    "nop": """Use: doozer [options] nop [options]\x20

Performs a consensus operation.

No change will be made to the data store.
""",
    "rev": """Use: doozer [options] rev [options]\x20

Prints the current revision of the store.
""",
    "self": """Use: doozer [options] self [options]\x20

Prints the node's ID.
""",
    "set": """Use: doozer [options] set [options] <path> <rev>

Sets the body of the file at <path>.

The body is read from stdin. If <rev> is not greater than or equal to
the revision of the file, no change will be made.

Prints the new revision on stdout, or an error message on stderr.
""",
    "stat": """Use: doozer [options] stat [options] <path>

Print the status for each <path>.

If path is a directory, prints "d" and the number of entries.
Otherwise, prints its revision and length.
""",
    "touch": """Use: doozer [options] touch [options] <path>

Attempts to update the rev of a file to a value greater than
the current rev. If a file does not exist, it will be created.
""",
    "wait": """Use: doozer [options] wait [options] <glob>

Prints the next change to a file matching <glob>.

If flag -r is given, prints the next change on or after <rev>.
if flag -t is given, the wait will timeout after the specified
\tduration (i.e. -t 1m30s will wait 1 minute and 30 seconds,
\tvalid time units: "ns", "us" (or "µs"), "ms", "s", "m", "h").

Rules for <glob> pattern-matching:
 - '?' matches a single char in a single path component
 - '*' matches zero or more chars in a single path component
 - '**' matches zero or more chars in zero or more components
 - any other sequence matches itself

Output is a sequence of records, one for each change. Format of each record:

  <path> <rev> <set|del> <len> LF <body> LF

Here, <path> is the file's path, <rev> is the revision, <len> is the number of
bytes in the body, and LF is an ASCII line-feed char.
""",
    "watch": """Use: doozer [options] watch [options] <glob>

Prints changes to any file matching <glob>.

If flag -r is given, prints changes beginning on <rev>.

Rules for <glob> pattern-matching:
 - '?' matches a single char in a single path component
 - '*' matches zero or more chars in a single path component
 - '**' matches zero or more chars in zero or more components
 - any other sequence matches itself

Output is a sequence of records, one for each change. Format of each record:

  <path> <rev> <set|del> <len> LF <body> LF

Here, <path> is the file's path, <rev> is the revision of the change,
<len> is the number of bytes in the body, and LF is an ASCII line-feed char.
""",
}
