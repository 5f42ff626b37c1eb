#include "server/options.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <map>
#include <string>
#include <vector>

namespace doozer::server {
namespace {

using Words = std::vector<std::string_view>;

Result<Options> parse(Words const& words, std::map<std::string, std::string> const& env = {}) {
    return parse_options(words, [&](char const* name) -> std::optional<std::string> {
        auto const found = env.find(name);
        if (found == env.end()) return std::nullopt;
        return found->second;
    });
}

std::string error(Words const& words, std::map<std::string, std::string> const& env = {}) {
    auto const options = parse(words, env);
    return options.ok() ? "no error" : options.error().detail;
}

// doozerd(8)
TEST(Options, Defaults) {
    Options const options = parse({}).value();
    EXPECT_EQ(net::to_string(options.listen), "127.0.0.1:8046");
    EXPECT_EQ(options.cluster_name, "local");
    EXPECT_EQ(options.pulse, seconds(1));
    EXPECT_EQ(options.fill, milliseconds(100));
    EXPECT_EQ(options.timeout, seconds(60));
    EXPECT_EQ(options.history_revisions, 360'000);
    EXPECT_EQ(options.history_bytes, 256 * MiB);
    EXPECT_EQ(options.value_bytes_max, 1 * MiB);
}

TEST(Options, AreRead) {
    Options const options = parse({"-l", "localhost:7000", "-c=jewels", "--pulse", "0.05", "-fill",
                                   "2", "-timeout", "5", "-hist", "20", "-histbytes", "1000",
                                   "-maxvalue", "3000", "-maxmem", "33554432", "-w", "false"},
                                  {{"DOOZER_RWSECRET", "rw"}, {"DOOZER_ROSECRET", "ro"}})
                                .value();
    EXPECT_EQ(net::to_string(options.listen), "localhost:7000");
    EXPECT_EQ(options.cluster_name, "jewels");
    EXPECT_EQ(options.pulse, milliseconds(50));
    EXPECT_EQ(options.history_revisions, 20);
    EXPECT_EQ(options.history_bytes, 1000U);
    EXPECT_EQ(options.value_bytes_max, 3000U);
    EXPECT_EQ(options.memory_bytes, 32 * MiB);
    EXPECT_EQ(options.secrets.read_write, "rw");
    EXPECT_EQ(options.secrets.read_only, "ro");
}

TEST(Options, TheClusterIsLookedUpWhereAUriSays) {
    EXPECT_EQ(parse({}).value().boot_uri, "");
    EXPECT_EQ(parse({"-b", "doozer:?ca=x"}, {{"DOOZER_BOOT_URI", "doozer:?ca=y"}}).value().boot_uri,
              "doozer:?ca=x");
    EXPECT_EQ(parse({}, {{"DOOZER_BOOT_URI", "doozer:?ca=y"}}).value().boot_uri, "doozer:?ca=y");
    EXPECT_EQ(error({"-b", "x"}), "-b: invalid uri");
    EXPECT_EQ(error({}, {{"DOOZER_BOOT_URI", "x"}}), "DOOZER_BOOT_URI: invalid uri");
    EXPECT_EQ(error({"-b", "doozer:?cn=x"}), "-b: the URI has no address (ca)");
    EXPECT_EQ(error({"-b", "doozer:?ca=x", "-l", "x:8046"}),
              "-b: the URI names this process itself");
    EXPECT_EQ(parse({"-b", "doozer:?ca=x&ca=y", "-l", "x:8046"}).value().boot_uri,
              "doozer:?ca=x&ca=y");
    EXPECT_TRUE(error({"-restore", "f", "-a", "x:1"}).starts_with("-restore"));
}

TEST(Options, WithoutAValueIsNotWithoutTheOption) {
    for (char const* option : {"advertise", "restore", "tlscert", "tlskey", "tlsca",
                               "clustersecret", "rwsecret", "rosecret"}) {
        std::string const flag = std::string("-") + option;
        EXPECT_EQ(error({flag, ""}), "invalid value \"\" for flag " + flag + ": must not be empty");
    }
}

TEST(Options, NonsenseIsRefused) {
    EXPECT_EQ(error({"-x"}), "flag provided but not defined: -x");
    EXPECT_EQ(error({"-l="}), "require a listen address");
    EXPECT_EQ(error({"-l", "127.0.0.1:99999"}), "-l: invalid address: 127.0.0.1:99999");
    EXPECT_EQ(error({"-l", "127.0.0.1"}), "-l 127.0.0.1: missing port in address");
    EXPECT_EQ(error({"-pulse", "0"}),
              "invalid value \"0\" for flag -pulse: must be at least 0.001");
    EXPECT_EQ(error({"-hist", "0"}), "invalid value \"0\" for flag -hist: must be at least 1");
    EXPECT_EQ(error({"-hist", "x"}), "invalid value \"x\" for flag -hist: invalid syntax");
    for (char const* name : {"", "a/b", "a_b", "a b", "\xc3\xa9"}) {
        EXPECT_TRUE(error({"-c", name}).starts_with("-c ")) << name;
    }
    EXPECT_TRUE(error({"-c", std::string(256, 'a')}).starts_with("-c aaa"));
    EXPECT_TRUE(error({"-pulse", "9223372036"}).ends_with("must be at most 31536000"));
    EXPECT_TRUE(error({"-l", ":8046"}).starts_with("-l :8046: others reach"));
    EXPECT_TRUE(error({"-l", "0.0.0.0:8046"}).starts_with("-l 0.0.0.0:8046: others reach"));
    EXPECT_TRUE(error({"-l", "[::]:8046"}).starts_with("-l [::]:8046: others reach"));
    EXPECT_TRUE(error({"-l", ":8046", "-advertise", ":1"}).starts_with("-advertise :1: others"));
    EXPECT_TRUE(error({"-advertise", "host"}).starts_with("-advertise host: missing port"));
    EXPECT_EQ(error({"-advertise", "host:0"}), "-advertise host:0: others need its port");
    EXPECT_EQ(error({"-tlscert", "f"}), "need both -tlscert and -tlskey");
    EXPECT_EQ(error({"-tlskey", "f"}), "need both -tlscert and -tlskey");
    EXPECT_TRUE(error({"-maxvalue", "268435457"}).starts_with("-maxvalue: "));
    EXPECT_TRUE(error({"-maxmem", "33554432", "-maxvalue", "4194305"}).starts_with("-maxvalue: "));
}

TEST(Options, AnyInterfaceMayBeListenedOnWhenAnAddressIsAdvertised) {
    Options const options = parse({"-l", ":8046", "-advertise", "a.example:7"}).value();
    EXPECT_EQ(options.listen.host, "");
    EXPECT_EQ(net::to_string(*options.advertise), "a.example:7");
}

TEST(Options, MembersAreReadAndMayBeSeveral) {
    Options const options = parse({"-a", "10.0.0.1:8046", "-a=[::1]:8047", "-a", "a.example:1",
                                   "-insecure-members", "-tlsca", "ca.pem"},
                                  {{"DOOZER_TLSCA", "other.pem"}})
                                .value();
    ASSERT_EQ(options.attach.size(), 3U);
    EXPECT_EQ(net::to_string(options.attach[1]), "[::1]:8047");
    EXPECT_TRUE(options.insecure_members);
    EXPECT_EQ(options.tls_authority_file, "ca.pem");
    EXPECT_EQ(parse({}, {{"DOOZER_TLSCA", "other.pem"}}).value().tls_authority_file, "other.pem");
    EXPECT_EQ(error({"-a", "10.0.0.1"}), "-a 10.0.0.1: missing port in address");
    EXPECT_EQ(error({"-a", ":1"}), "-a :1: a host and a port are needed");
    EXPECT_EQ(error({"-a", "h:0"}), "-a h:0: a host and a port are needed");
    EXPECT_EQ(error({"-a", "a b:1"}), "-a: invalid address: a b:1");
}

/// A file with a secret, gone with the test.
class SecretFile {
  public:
    explicit SecretFile(std::string const& content) { write(content); }
    ~SecretFile() { std::remove(name.c_str()); }
    SecretFile(SecretFile const&) = delete;
    SecretFile& operator=(SecretFile const&) = delete;
    void write(std::string const& content) const {
        std::ofstream(name, std::ios::binary | std::ios::trunc) << content;
    }

    std::string name = testing::TempDir() + "options_test_secret";
};

TEST(Options, TheClusterSecretComesFromTheEnvironmentOrAFile) {
    EXPECT_TRUE(parse({}).value().secrets.cluster.empty());
    std::string const secret = "0123456789abcdef";
    EXPECT_EQ(parse({}, {{"DOOZER_CLUSTER_SECRET", secret}}).value().secrets.cluster,
              std::vector{secret});
    EXPECT_EQ(error({}, {{"DOOZER_CLUSTER_SECRET", "short"}}),
              "DOOZER_CLUSTER_SECRET: a cluster secret has 16 to 4096 bytes, not 5");

    SecretFile const file("");
    auto const with_content = [&](std::string const& content) {
        file.write(content);
        return parse({"-clustersecret", file.name}, {{"DOOZER_CLUSTER_SECRET", secret}});
    };
    EXPECT_EQ(with_content("fedcba9876543210\n").value().secrets.cluster,
              std::vector<std::string>{"fedcba9876543210"});
    EXPECT_EQ(with_content("fedcba9876543210\n" + secret).value().secrets.cluster,
              (std::vector<std::string>{"fedcba9876543210", secret}))
        << "the first is offered";
    EXPECT_EQ(with_content("fedcba987654321\n").error().detail,
              "-clustersecret " + file.name + ": a cluster secret has 16 to 4096 bytes, not 15");
    EXPECT_EQ(with_content("fedcba9876543210\n\n").error().detail,
              "-clustersecret " + file.name + ": a cluster secret has 16 to 4096 bytes, not 0");
    EXPECT_EQ(with_content(secret + "\n" + secret + "\n" + secret + "\n").error().detail,
              "-clustersecret " + file.name + ": holds more than two lines");
    EXPECT_FALSE(with_content("").ok());
    EXPECT_TRUE(with_content(std::string(4096, 'x') + "\n" + std::string(4096, 'y') + "\n").ok());
    EXPECT_FALSE(with_content(std::string(4097, 'x')).ok());
    EXPECT_FALSE(with_content(std::string(90'000, 'x')).ok());
    EXPECT_EQ(error({"-clustersecret", "/nope"}),
              "-clustersecret /nope: No such file or directory");
    EXPECT_EQ(error({"-clustersecret", "/tmp"}), "-clustersecret /tmp: Is a directory");
}

TEST(Options, SecretsOfClientsComeFromTheEnvironmentOrAFile) {
    SecretFile const file("of the file\n");
    Options const options = parse({"-rwsecret", file.name, "-insecure-members"},
                                  {{"DOOZER_RWSECRET", "w"}, {"DOOZER_ROSECRET", "r"}})
                                .value();
    EXPECT_EQ(options.secrets.read_write, "of the file");
    EXPECT_EQ(options.secrets.read_only, "r");
    EXPECT_EQ(parse({"-rosecret", file.name}).value().secrets.read_only, "of the file");
    for (char const* bad : {"", "\n", "one\ntwo\n", "one\n\n"}) {
        file.write(bad);
        EXPECT_EQ(error({"-rosecret", file.name}),
                  "-rosecret " + file.name + ": a secret is one line of 1 to 4096 bytes")
            << bad;
    }
    file.write(std::string(4098, 'x'));
    EXPECT_EQ(error({"-rwsecret", file.name}),
              "-rwsecret " + file.name + ": holds more than 4097 bytes");
    EXPECT_EQ(error({"-rwsecret", "/nope"}), "-rwsecret /nope: No such file or directory");
}

TEST(Options, AVariableThatIsSetToNothingIsNotSetAndToldOnce) {
    Options const options = parse({}, {{"DOOZER_RWSECRET", ""}}).value();
    EXPECT_EQ(options.warnings, std::vector<std::string>{"DOOZER_RWSECRET is set to nothing, which "
                                                         "means that it is not set"});
    EXPECT_FALSE(options.links_are_closed());
    EXPECT_TRUE(parse({}).value().warnings.empty());
}

// A link of members that needs no secret would be a way around the secrets of clients.
TEST(Options, WithASecretOfClientsAndNoneOfMembersThereAreNoLinks) {
    std::string const why =
        "clients need a secret here, and members have none: this process links with no other; set "
        "DOOZER_CLUSTER_SECRET or -clustersecret on all of them, or -insecure-members where nobody "
        "else can connect";
    for (char const* name : {"DOOZER_RWSECRET", "DOOZER_ROSECRET"}) {
        std::map<std::string, std::string> env{{name, "x"}};
        Options const alone = parse({}, env).value();
        EXPECT_TRUE(alone.links_are_closed());
        EXPECT_EQ(alone.warnings, std::vector{why});
        EXPECT_EQ(error({"-a", "127.0.0.1:1"}, env), "-a: " + why);
        EXPECT_EQ(error({"-b", "doozer:?ca=x"}, env), "-b: " + why);

        Options const open = parse({"-a", "127.0.0.1:1", "-insecure-members"}, env).value();
        EXPECT_FALSE(open.links_are_closed());
        ASSERT_EQ(open.warnings.size(), 1U);
        EXPECT_TRUE(
            open.warnings.front().starts_with("-insecure-members: any program that can connect"));

        env["DOOZER_CLUSTER_SECRET"] = "0123456789abcdef";
        EXPECT_FALSE(parse({"-a", "127.0.0.1:1"}, env).value().links_are_closed());
        EXPECT_TRUE(parse({"-a", "127.0.0.1:1"}, env).value().warnings.empty());
    }
    EXPECT_FALSE(parse({}).value().links_are_closed());
}

TEST(Options, AWordThatIsNoFlagIsIgnoredWithOneWarning) {
    Options const options = parse({"-c", "jewels", "local\n", "-nosuch"}).value();
    EXPECT_EQ(options.cluster_name, "jewels");
    EXPECT_EQ(options.warnings, std::vector<std::string>{"ignored, since it is no flag: local?"});
}

// doozerd(8): numbers as Go reads them, durations and sizes
TEST(Options, NumbersSpansAndSizesHaveSeveralForms) {
    Options const options =
        parse({"-pulse", "1e-1", "-fill", "250ms", "-timeout", "1m", "-hist", "0x10", "-histbytes",
               "1_000_000", "-maxvalue", "2K", "-maxmem", "64M"})
            .value();
    EXPECT_EQ(options.pulse, milliseconds(100));
    EXPECT_EQ(options.fill, milliseconds(250));
    EXPECT_EQ(options.timeout, seconds(60));
    EXPECT_EQ(options.history_revisions, 16);
    EXPECT_EQ(options.history_bytes, 1'000'000U);
    EXPECT_EQ(options.value_bytes_max, 2048U);
    EXPECT_EQ(options.memory_bytes, 64 * MiB);
}

// doozerd(8): "-w ... default: host of -l, port 8000"
TEST(Options, TheWebViewIsWhereClientsAreUnlessItIsPutElsewhere) {
    Options const unasked = parse({"-l", "10.0.0.1:8046"}).value();
    EXPECT_EQ(net::to_string(*unasked.web), "10.0.0.1:8000");
    EXPECT_TRUE(unasked.web_is_optional);
    EXPECT_FALSE(unasked.web_write);

    Options const asked = parse({"-w", "localhost:9000", "-webwrite"}).value();
    EXPECT_EQ(net::to_string(*asked.web), "localhost:9000");
    EXPECT_FALSE(asked.web_is_optional);
    EXPECT_TRUE(asked.web_write);

    EXPECT_FALSE(parse({"-w", "false"}).value().web.has_value());
    EXPECT_FALSE(parse({"-w=false"}).value().web.has_value());
    EXPECT_EQ(error({"-w", "localhost"}), "-w localhost: missing port in address");
    EXPECT_EQ(net::to_string(*parse({"-w", ""}).value().web), "127.0.0.1:8000");
    EXPECT_TRUE(parse({"-w", ""}).value().web_is_optional) << "as if it was not given";
}

TEST(Options, HelpAndVersionComeBeforeEverythingElse) {
    EXPECT_TRUE(parse({"-v", "-a", "x"}).value().show_version);
    EXPECT_TRUE(parse({"-h"}).value().show_help);
}

}  // namespace
}  // namespace doozer::server
