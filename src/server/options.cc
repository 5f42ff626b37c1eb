#include "server/options.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/flags.h"
#include "base/parse.h"
#include "server/member_greeting.h"
#include "server/name_service.h"
#include "store/path.h"

namespace doozer::server {
namespace {

constexpr std::uint16_t web_port_default = 8000;

/// The words as they were given; what they mean is judged when all are known.
struct Words {
    std::string listen = "127.0.0.1:8046";
    std::string advertise;
    std::vector<std::string> attach;
    std::string boot;
    std::string restore;
    std::string web;
};

Error refused(std::string text) {
    return {Errc::other, std::move(text)};
}

template <typename T, typename Parse>
Flags::Setter checked(T& target, Parse parse, T least, char const* complaint) {
    return [&target, parse, least, complaint](std::string_view text) -> Result<Done> {
        DOOZER_TRY(T const value, parse(text));
        if (value < least) return refused(complaint);
        target = value;
        return Done{};
    };
}

/// Not more than a year.
Result<Duration> parse_span_of_a_year(std::string_view text) {
    DOOZER_TRY(Duration const span, parse_span(text));
    if (span > seconds(365 * 86'400)) return refused("must be at most 31536000");
    return span;
}

Flags flags_for(Words& words, Options& options) {
    Flags flags;
    flags.add_text("l", words.listen);
    // A variable of a script that is not set must not mean: without it.
    for (auto const& [name, target] : {std::pair("advertise", &words.advertise),
                                       {"restore", &words.restore},
                                       {"tlscert", &options.tls_certificate_file},
                                       {"tlskey", &options.tls_key_file},
                                       {"tlsca", &options.tls_authority_file},
                                       {"rwsecret", &options.secret_files.read_write},
                                       {"rosecret", &options.secret_files.read_only},
                                       {"clustersecret", &options.secret_files.cluster}}) {
        flags.add(name, [target = target](std::string_view text) -> Result<Done> {
            if (text.empty()) return refused("must not be empty");
            *target = text;
            return Done{};
        });
    }
    flags.add_texts("a", words.attach);
    flags.add_text("b", words.boot);
    flags.add_text("w", words.web);
    flags.add_boolean("webwrite", options.web_write);
    flags.add_boolean("insecure-members", options.insecure_members);
    flags.add_text("c", options.cluster_name);
    flags.add_boolean("v", options.show_version);
    flags.add_boolean("h", options.show_help);
    flags.add_boolean("help", options.show_help);
    for (auto const& [name, target] : {std::pair("pulse", &options.pulse),
                                       {"fill", &options.fill},
                                       {"timeout", &options.timeout}}) {
        flags.add(name, checked(*target, parse_span_of_a_year, milliseconds(1),
                                "must be at least 0.001"));
    }
    flags.add("hist", checked(options.history_revisions, parse_integer_literal, std::int64_t{1},
                              "must be at least 1"));
    for (auto const& [name, target, least, complaint] :
         {std::tuple("histbytes", &options.history_bytes, std::size_t{1}, "must be at least 1"),
          {"maxvalue", &options.value_bytes_max, std::size_t{1}, "must be at least 1"},
          {"maxmem", &options.memory_bytes, memory_bytes_floor, "must be at least 16777216"}}) {
        flags.add(name, checked(*target, parse_bytes, least, complaint));
    }
    return flags;
}

/// Where the cluster is looked up. Empty: nowhere.
Result<std::string> boot_uri(Words const& words, Environment const& env, net::Address const& own) {
    bool const by_flag = !words.boot.empty();
    std::string const text = by_flag ? words.boot : env("DOOZER_BOOT_URI").value_or("");
    if (text.empty()) return text;
    std::string const source = by_flag ? "-b" : "DOOZER_BOOT_URI";
    std::string const complaint = NameService::complaint_of(text, net::to_string(own));
    if (!complaint.empty()) return refused(source + ": " + complaint);
    return text;
}

/// An address whose port was not left out.
Result<net::Address> address_with_port(std::string const& flag, std::string const& text) {
    auto const address = net::parse_address(text, 0);
    if (!address.ok()) return refused(flag + ": " + address.error().detail);
    if (net::parse_address(text, 1).value() != address.value()) {
        return refused(flag + " " + text + ": missing port in address");
    }
    return address;
}

/// Whether it means every address of this machine, so that others cannot reach it by this text.
bool is_any(net::Address const& address) {
    return address.host.empty() || address.host == "0.0.0.0" || address.host == "::";
}

/// Where the web view is to listen, if anywhere. Source: doozerd(8), -w.
Result<Done> read_web(Words const& words, Options& options) {
    if (words.web == "false") return Done{};
    options.web = net::Address{options.listen.host, web_port_default};
    options.web_is_optional = words.web.empty();
    if (words.web.empty()) return Done{};
    DOOZER_TRY(options.web, address_with_port("-w", words.web));
    return Done{};
}

/// Refuses what can never come about without links, and warns of those that prove nothing.
Result<Done> warn_of_links(Options& options) {
    if (options.links_are_closed()) {
        std::string const closed =
            "clients need a secret here, and members have none: this process links with no other";
        if (!options.attach.empty() || !options.boot_uri.empty()) {
            std::string const flag = options.attach.empty() ? "-b" : "-a";
            return refused(flag + ": " + closed + "; " + std::string(how_to_know_members));
        }
        options.warnings.push_back(closed + "; " + std::string(how_to_know_members));
    }
    if (options.insecure_members) {
        options.warnings.emplace_back(
            options.secrets.cluster.empty()
                ? "-insecure-members: any program that can connect can become a member, and "
                  "read and write everything"
                : "-insecure-members has no effect: there is a cluster secret");
    }
    return Done{};
}

/// What concerns other members.
Result<Done> read_members(Words const& words, Environment const& env, Options& options) {
    for (std::string const& text : words.attach) {
        DOOZER_TRY(net::Address const address, address_with_port("-a", text));
        if (address.host.empty() || address.port == 0) {
            return refused("-a " + text + ": a host and a port are needed");
        }
        options.attach.push_back(address);
    }
    if (options.tls_authority_file.empty()) {
        options.tls_authority_file = env("DOOZER_TLSCA").value_or("");
    }
    DOOZER_TRY(options.secrets, read_secrets(options.secret_files, env, options.warnings));
    return warn_of_links(options);
}

}  // namespace

Result<Options> parse_options(std::span<std::string_view const> words, Environment const& env) {
    Options options;
    Words given;
    DOOZER_TRY(std::size_t const read, flags_for(given, options).parse(words));
    if (options.show_help || options.show_version) return options;
    if (read < words.size()) {
        options.warnings.push_back("ignored, since it is no flag: " + printable(words[read]));
    }
    if (given.listen.empty()) return refused("require a listen address");
    DOOZER_TRY(options.listen, address_with_port("-l", given.listen));
    if (!given.advertise.empty()) {
        DOOZER_TRY(options.advertise, address_with_port("-advertise", given.advertise));
        if (options.advertise->port == 0) {
            return refused("-advertise " + given.advertise + ": others need its port");
        }
    }
    net::Address const own = options.advertise ? *options.advertise : options.listen;
    if (is_any(own)) {
        std::string const at =
            given.advertise.empty() ? "-l " + given.listen : "-advertise " + given.advertise;
        return refused(at + ": others reach this process by its host; name it" +
                       (given.advertise.empty() ? ", or give -advertise" : ""));
    }
    if (options.tls_certificate_file.empty() != options.tls_key_file.empty()) {
        return refused("need both -tlscert and -tlskey");
    }
    bool const name_fits = options.cluster_name.size() <= cluster_name_bytes_max;
    if (!name_fits || !store::is_path_component(options.cluster_name)) {
        return refused("-c " + options.cluster_name.substr(0, cluster_name_bytes_max) +
                       ": a cluster's name is made of letters, digits, '.' and '-', 255 at most");
    }
    if (options.value_bytes_max > std::min(value_bytes_ceiling, options.memory_bytes / 8)) {
        return refused("-maxvalue: must be at most 268435456 and an eighth of -maxmem");
    }
    if (!given.restore.empty() && !given.attach.empty()) {
        return refused("-restore founds a cluster and -a joins one: give one of them");
    }
    DOOZER_TRY(options.boot_uri, boot_uri(given, env, own));
    options.restore_file = given.restore;
    DOOZER_TRY([[maybe_unused]] Done const read_too, read_members(given, env, options));
    DOOZER_TRY([[maybe_unused]] Done const web, read_web(given, options));
    return options;
}

std::string_view usage() {
    return R"(Usage: doozerd [OPTIONS]

Founds a cluster, or joins one with -a or -b, and serves it until it is told to
stop.

Options:
  -l host:port      where to listen, and the address by which others know this
                    process (default 127.0.0.1:8046)
  -advertise host:port
                    that address, if -l is not it
  -a host:port      attach to a member of a running cluster; may be given several
                    times
  -b URI            find the cluster by its name in another one, the DzNS, and
                    join it, or found it if there is none; tried after -a
  -restore file     found the cluster from a journal: its files with their
                    revisions
  -clustersecret file
                    the secret by which members know each other, or two lines,
                    of which the first is offered; needed unless all are on one
                    machine and clients need no secret
  -insecure-members
                    no cluster secret needed: any program that can connect
                    can be a member
  -rwsecret file    the secret that grants clients reading and writing
  -rosecret file    the secret that grants clients reading
  -tlsca file       certificates (PEM) to trust when connecting to others over
                    TLS (default: the system's)
  -tlscert file     certificate (PEM) for clients to connect with TLS
  -tlskey file      its key
  -c name           name of the cluster (default local)
  -w host:port      where the web view listens; false: no web view (default: the
                    host of -l, port 8000; if that is taken, no web view)
  -webwrite         let the web view write, too
  -pulse seconds    how often to write the newest revision applied (default 1)
  -hist n           revisions of history to keep (default 360000)
  -histbytes n      bytes of history to keep, if that is less
                    (default 268435456)
  -maxvalue n       bytes of the largest value (default 1048576)
  -maxmem n         bytes of memory for the tree, its history and buffers: half
                    for the tree, at most a quarter for the history
                    (default 1073741824)
  -fill seconds     how long a member may hold up the others, at most, until they
                    go on without it (default 0.1)
  -timeout seconds  silence after which a member is removed (default 60)
  -v                print the version
  -h                print this

Seconds may be written as 0.5, 1e-1 or 250ms, bytes as 1048576, 0x100000 or 1M.
On SIGHUP it reads the files of secrets and certificates anew.

Environment:
  DOOZER_RWSECRET   the secret of -rwsecret
  DOOZER_ROSECRET   the secret of -rosecret
  DOOZER_BOOT_URI   default of -b
  DOOZER_CLUSTER_SECRET
                    the secret by which members know each other
  DOOZER_TLSCA      default of -tlsca
)";
}

}  // namespace doozer::server
