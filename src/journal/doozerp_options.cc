#include "journal/doozerp_options.h"

#include <cstdlib>

#include "base/flags.h"
#include "base/parse.h"

namespace doozer::journal {
namespace {

base::Error refused(std::string why) {
    return {base::Errc::other, std::move(why)};
}

void take_variable(char const* name, std::string& target) {
    char const* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): no threads yet
    if (value != nullptr && *value != '\0') target = value;
}

}  // namespace

std::string_view const doozerp_usage = R"(Use: doozerp [options]

Journals every change of a Doozer cluster outside /ctl, and acknowledges it when it is on disk: in
/ctl/durable/<id> and below /ctl/persistence/<id>.

Options:
  -a URI
    	the cluster (default DOOZER_URI, then "doozer:?ca=127.0.0.1:8046")
  -b URI
    	the DzNS in which its name is looked up (default DOOZER_BOOT_URI)
  -tlsca file
    	the certificates to trust with tl=1 (default DOOZER_TLSCA, then the system's)
  -j file
    	the journal (default "journal")
  -r	replay the journal into the cluster before watching it
  -force
    	replay it even if the cluster holds newer data
  -f	repair a broken journal by cutting it after the last good record
  -i id
    	go on as the instance of that number instead of taking a new one
  -mirror=false
    	write /ctl/durable/<id> only, not a file for each path; for that the programs that wait for
    	it must know /ctl/durable
  -slack bytes
    	compact the journal when it is larger than twice what is live and that (default 16777216)
  -metrics file
    	write metrics for Prometheus there once a second
  -v	print each mutation
  -version
    	print the version
  -h	print this
)";

base::Result<DoozerpOptions> parse_doozerp_options(std::span<std::string_view const> words) {
    DoozerpOptions options;
    take_variable("DOOZER_URI", options.uri);
    take_variable("DOOZER_BOOT_URI", options.boot_uri);
    take_variable("DOOZER_TLSCA", options.tls_authority_file);
    base::Flags flags;
    flags.add_text("a", options.uri);
    flags.add_text("b", options.boot_uri);
    flags.add_text("tlsca", options.tls_authority_file);
    flags.add_text("j", options.journal);
    flags.add_boolean("r", options.restore);
    flags.add_boolean("force", options.force);
    flags.add_boolean("f", options.repair);
    flags.add("i", [&options](std::string_view text) -> base::Result<base::Done> {
        DOOZER_TRY(options.instance, base::parse_integer_literal(text));
        if (options.instance < 1) return refused("must be at least 1");
        return base::Done{};
    });
    flags.add_boolean("mirror", options.mirrors);
    flags.add("slack", [&options](std::string_view text) -> base::Result<base::Done> {
        DOOZER_TRY(std::size_t const bytes, base::parse_bytes(text));
        options.slack = static_cast<std::int64_t>(bytes);
        return base::Done{};
    });
    flags.add_text("metrics", options.metrics_file);
    flags.add_boolean("v", options.print);
    flags.add_boolean("version", options.version);
    flags.add_boolean("h", options.help);
    flags.add_boolean("help", options.help);
    DOOZER_TRY(std::size_t const taken, flags.parse(words));
    if (taken != words.size()) options.ignored = words[taken];
    if (options.journal.empty()) return refused("-j names no file");
    if (options.force && !options.restore) return refused("-force is of use with -r only");
    return options;
}

}  // namespace doozer::journal
