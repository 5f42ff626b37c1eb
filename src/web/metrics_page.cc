#include "web/metrics_page.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "doozer/version.h"

namespace doozer::web {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<std::pair<std::string, std::string>>;

constexpr std::array verb_names{"GET",    "SET",    "DEL",    "REV",  "WAIT",
                                "NOP",    "WALK",   "GETDIR", "STAT", "SELF",
                                "ACCESS", "STATUS", "FORCE",  "LIST", "unknown"};
constexpr std::array result_names{
    "ok",          "TAG_IN_USE", "UNKNOWN_VERB", "READONLY", "TOO_LATE", "REV_MISMATCH", "BAD_PATH",
    "MISSING_ARG", "RANGE",      "NOTDIR",       "ISDIR",    "NOENT",    "OTHER"};
static_assert(verb_names.size() == verb_slots);
static_assert(result_names.size() == result_slots);

ClientMetric labelled(Labels const& labels) {
    ClientMetric metric;
    for (auto const& [name, value] : labels) metric.label.push_back({name, value});
    return metric;
}

class Page {
  public:
    MetricFamily& family(std::string name, std::string help, MetricType type) {
        MetricFamily& made = families_.emplace_back();
        made.name = std::move(name);
        made.help = std::move(help);
        made.type = type;
        return made;
    }

    void counter(std::string name, std::string help, std::uint64_t value) {
        add_counter(family(std::move(name), std::move(help), MetricType::Counter), {}, value);
    }

    void gauge(std::string name, std::string help, std::size_t value) {
        ClientMetric metric;
        metric.gauge.value = static_cast<double>(value);
        family(std::move(name), std::move(help), MetricType::Gauge).metric.push_back(metric);
    }

    void take(MetricFamily family) { families_.push_back(std::move(family)); }

    static void add_gauge(MetricFamily& to, Labels const& labels, double value) {
        ClientMetric metric = labelled(labels);
        metric.gauge.value = value;
        to.metric.push_back(metric);
    }

    static void add_counter(MetricFamily& to, Labels const& labels, std::uint64_t value) {
        ClientMetric metric = labelled(labels);
        metric.counter.value = static_cast<double>(value);
        to.metric.push_back(metric);
    }

    /// `unit`: what one step of the histogram's values is.
    template <std::size_t Buckets>
    static void add_histogram(MetricFamily& to, Labels const& labels,
                              Histogram<Buckets> const& values, double unit) {
        ClientMetric metric = labelled(labels);
        std::uint64_t cumulative = 0;
        for (std::size_t i = 0; i + 1 < Buckets; ++i) {
            cumulative += values.counts[i];
            // Bucket i holds what is below 2^i; values are whole numbers.
            double const most = std::ldexp(1.0, static_cast<int>(i)) - (unit == 1.0 ? 1.0 : 0.0);
            metric.histogram.bucket.push_back({cumulative, most * unit});
        }
        metric.histogram.sample_count = values.count();
        metric.histogram.sample_sum = static_cast<double>(values.sum) * unit;
        metric.histogram.bucket.push_back(
            {metric.histogram.sample_count, std::numeric_limits<double>::infinity()});
        to.metric.push_back(metric);
    }

    [[nodiscard]] std::string text() const {
        return prometheus::TextSerializer().Serialize(families_);
    }

  private:
    std::vector<MetricFamily> families_;
};

constexpr double time_unit = (1 << time_unit_shift) * 1e-9;

void add_requests(Page& page, Metrics const& metrics) {
    MetricFamily& requests =
        page.family("doozer_requests_total", "Requests answered, of clients and of the web view",
                    MetricType::Counter);
    for (std::size_t verb = 0; verb < verb_slots; ++verb) {
        for (std::size_t result = 0; result < result_slots; ++result) {
            std::uint64_t const count = metrics.requests[verb][result];
            if (count == 0 && result != 0) continue;
            Page::add_counter(
                requests, {{"verb", verb_names[verb]}, {"result", result_names[result]}}, count);
        }
    }
    MetricFamily& latency =
        page.family("doozer_request_duration_seconds",
                    "From the arrival of a request to its answer", MetricType::Histogram);
    for (std::size_t verb = 0; verb < verb_slots; ++verb) {
        Page::add_histogram(latency, {{"verb", verb_names[verb]}}, metrics.latency[verb],
                            time_unit);
    }
}

void add_changes(Page& page, Metrics const& metrics, store::Store const& store) {
    Page::add_histogram(page.family("doozer_batch_changes", "Changes that were applied together",
                                    MetricType::Histogram),
                        {}, metrics.batch_changes, 1.0);
    page.counter("doozer_batch_bytes_total", "Bytes of the changes that were applied",
                 metrics.batch_bytes);
    auto const number = [](Revision rev) { return static_cast<std::size_t>(rev.value()); };
    page.gauge("doozer_revision", "The newest revision that was applied", number(store.revision()));
    page.gauge("doozer_history_first_revision", "The oldest revision that can be read",
               number(store.first_revision()));
    page.gauge("doozer_history_revisions", "Revisions that can be read",
               number(store.revision()) + 1 - number(store.first_revision()));
    page.gauge("doozer_history_bytes", "Memory of the history", store.history_bytes());
    page.gauge("doozer_files", "Files in the tree", store.files());
    page.gauge("doozer_tree_bytes", "Memory of the tree", store.tree_bytes());
}

void add_cluster(Page& page, Metrics const& metrics, ClusterGauges const& cluster) {
    page.gauge("doozer_quorum", "1: this process hears a majority of the members", cluster.quorum);
    page.gauge("doozer_is_member", "1: this process votes", cluster.member);
    page.gauge("doozer_members", "Processes that vote", cluster.members);
    page.gauge("doozer_followers", "Processes that follow, and could take a slot",
               cluster.followers);
    page.gauge("doozer_free_slots", "Slots that no member fills", cluster.free_slots);
    page.gauge("doozer_epoch", "The epoch", cluster.epoch);
    MetricFamily& up = page.family("doozer_member_up", "1: that member was heard within a second",
                                   MetricType::Gauge);
    MetricFamily lag{
        "doozer_member_lag", "How many changes that member lags", MetricType::Gauge, {}};
    MetricFamily rtt{"doozer_member_round_trip_seconds",
                     "The smoothed round trip to that member",
                     MetricType::Gauge,
                     {}};
    for (ClusterGauges::Other const& other : cluster.others) {
        Labels const labels{{"id", other.id}};
        Page::add_gauge(up, labels, other.up ? 1 : 0);
        if (other.lag) Page::add_gauge(lag, labels, static_cast<double>(*other.lag));
        if (other.rtt) {
            Page::add_gauge(rtt, labels, static_cast<double>(other.rtt->value()) * 1e-9);
        }
    }
    page.take(std::move(lag));
    page.take(std::move(rtt));
    page.counter("doozer_epochs_total", "Epochs that have begun", metrics.epochs);
    page.counter("doozer_seals_total", "Epochs that were sealed here", metrics.seals);
    page.counter("doozer_suspicions_total",
                 "Times that nothing moved for so long that closing the epoch was asked for",
                 metrics.suspicions);
    page.counter("doozer_demotions_total", "Slow owners that were proposed to lose their lane",
                 metrics.demotions);
    page.counter("doozer_readmissions_total", "Members that were proposed to get a lane again",
                 metrics.readmissions);
    Page::add_histogram(page.family("doozer_commit_seconds",
                                    "From the arrival of a change to its answer, if it was applied",
                                    MetricType::Histogram),
                        {}, metrics.commit_time, time_unit);
}

void add_connections(Page& page, Metrics const& metrics, Gauges const& gauges) {
    page.gauge("doozer_connections", "Client connections", gauges.connections);
    page.counter("doozer_connections_accepted_total", "Client connections that were accepted",
                 metrics.connections_accepted);
    page.counter("doozer_connections_refused_total",
                 "Client connections that were refused, or closed because of what they sent",
                 metrics.connections_refused);
    MetricFamily& bytes =
        page.family("doozer_bytes_total", "Bytes of client connections", MetricType::Counter);
    Page::add_counter(bytes, {{"direction", "read"}}, metrics.bytes_read);
    Page::add_counter(bytes, {{"direction", "written"}}, metrics.bytes_written);
    page.gauge("doozer_buffer_bytes", "Memory of the buffers of client connections",
               gauges.buffered_bytes);
    page.gauge("doozer_requests_waiting", "Requests that wait for a change or for a search",
               gauges.waiting);
}

void add_web(Page& page, Metrics const& metrics, WebGauges const& web) {
    page.gauge("doozer_web_connections", "Connections of the web view", web.connections);
    page.gauge("doozer_web_streams", "Event streams and pages that are open", web.streams);
    page.gauge("doozer_web_buffer_bytes", "Memory of the buffers of web connections",
               web.buffered_bytes);
    page.counter("doozer_web_connections_accepted_total", "Web connections that were accepted",
                 metrics.web_connections_accepted);
    page.counter("doozer_web_requests_total", "Requests over HTTP", metrics.web_requests);
    page.counter("doozer_web_events_total", "Changes told to event streams and pages",
                 metrics.web_events);
}

void add_process(Page& page, Metrics const& metrics, Gauges const& gauges) {
    Page::add_histogram(page.family("doozer_loop_turn_seconds",
                                    "How long the event loop was at work before it looked for more",
                                    MetricType::Histogram),
                        {}, metrics.turn_time, time_unit);
    Page::add_histogram(page.family("doozer_loop_delay_seconds",
                                    "How late the loop came to a timer that is due once a second",
                                    MetricType::Histogram),
                        {}, metrics.timer_delay, time_unit);
    page.gauge("process_resident_memory_bytes", "Memory of the process", gauges.resident_bytes);
    ClientMetric build = labelled({{"version", DOOZER_VERSION}});
    build.gauge.value = 1;
    page.family("doozer_build_info", "The version of the program", MetricType::Gauge)
        .metric.push_back(build);
}

}  // namespace

std::string metrics_text(Metrics const& metrics, Gauges const& gauges, WebGauges const& web,
                         store::Store const& store) {
    Page page;
    add_requests(page, metrics);
    add_changes(page, metrics, store);
    add_cluster(page, metrics, gauges.cluster);
    add_connections(page, metrics, gauges);
    add_web(page, metrics, web);
    add_process(page, metrics, gauges);
    return page.text();
}

}  // namespace doozer::web
