// SPDX-License-Identifier: GPL-2.0-or-later
// serve.
#include <fmt/format.h>
#include <linux/capability.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <atomic>
#include <chrono>
#include <future>
#include <mutex>
#include <thread>

#include "cli/command.hpp"
#include "cli/http/server.hpp"
#include "cli/interrupt.hpp"
#include "cli/view/metrics.hpp"
#include "loader/base/capabilities.hpp"

namespace sluice::cli {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t top_default = 10, top_most = 1000;

struct ServeArguments {
    std::string prometheus;
    std::size_t top = top_default;
};

/// In a thread of its own, which moves to the network namespace of the instance and ends: the
/// others stay where they listen.
template <class Read>
auto apart(Read read) {
    return std::async(std::launch::async, std::move(read)).get();
}

/// Answers GET /metrics. Nothing is read between two scrapes. Those who asked before a reading
/// began share it, so that many who ask at once wait for two readings at most.
class Scraper {
public:
    Scraper(Target target, std::size_t talkers) : target_(std::move(target)), talkers_(talkers) {}

    void answer(httplib::Response& response) {
        const auto asked = std::chrono::steady_clock::now();
        const std::lock_guard one_at_a_time(mutex_);
        if (asked >= read_) read();
        response = answer_;
    }

private:
    void read() {
        read_ = std::chrono::steady_clock::now();
        const auto reading = apart([this] { return read_metrics(target_, talkers_); });
        complain(reading ? "" : reading.error().message);
        answer_ = {};
        if (!reading && !is_down(reading.error())) {
            answer_.status = 500;
            answer_.set_content(reading.error().message + "\n", "text/plain");
            return;
        }
        answer_.set_content(
            prometheus::TextSerializer().Serialize(metric_families(target_, reading)),
            "text/plain; version=0.0.4; charset=utf-8");
    }

    static bool is_down(const Error& error) {
        return error.code == ErrorCode::refused || error.code == ErrorCode::not_found;
    }

    /// To the supervisor's log: once, not at each scrape.
    void complain(const std::string& message) {
        if (message == complaint_) return;
        complaint_ = message;
        fmt::print(stderr, "sluice: {}\n",
                   message.empty() ? "the instance answers again" : message);
    }

    Target target_;
    std::size_t talkers_;
    std::mutex mutex_;
    std::chrono::steady_clock::time_point read_;  ///< when the last reading began
    httplib::Response answer_;
    std::string complaint_;
};

Result<Endpoint> parse_listen(const std::string& text) {
    const auto endpoint = Endpoint::parse(text);
    if (endpoint && endpoint->ports.size() == 1) return *endpoint;
    return fail(ErrorCode::usage, fmt::format("--prometheus {}: not ADDRESS:PORT", text),
                "for example 127.0.0.1:9100 or [::1]:9100");
}

/// The library leaves the reason in errno. Without SO_REUSEPORT, which it would set: two processes
/// must not share a port.
Result<> bind_to(HttpServer& server, const Endpoint& endpoint) {
    server.set_socket_options([](socket_t socket) {
        const int yes = 1;
        setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
    errno = 0;
    if (server.bind_to_port(endpoint.address.text(), endpoint.ports.first)) return {};
    const auto message = "listening on " + endpoint.text();
    if (errno == EADDRINUSE)
        return fail(ErrorCode::refused, message + ": another process does already",
                    "`ss -ltnp` shows which; or take another port");
    if (errno == EADDRNOTAVAIL)
        return fail(ErrorCode::not_found, message + ": not an address of this host",
                    "`ip addr` shows them; 0.0.0.0 and [::] are all of them");
    return fail_errno(errno, message);
}

void set_up(HttpServer& server, Scraper& scraper) {
    server.Get("/metrics", [&](const httplib::Request&, httplib::Response& response) {
        scraper.answer(response);
    });
    server.Get("/healthz", [](const httplib::Request&, httplib::Response& response) {
        response.set_content("ok\n", "text/plain");
    });
}

/// Until SIGTERM or Ctrl-C.
Result<> listen(HttpServer& server) {
    std::atomic<bool> ended = false;
    std::jthread listener([&] {
        server.listen_after_bind();
        ended = true;
    });
    while (!server.is_running() && !ended) std::this_thread::sleep_for(1ms);
    while (!Interrupt::came() && !ended) std::this_thread::sleep_for(100ms);
    if (ended) return fail(ErrorCode::failed, "the socket can't be listened on any more");
    server.stop();
    return {};
}

Document serve_view(const std::string& endpoint) {
    const auto url = fmt::format("http://{}/metrics", endpoint);
    return {"sluice.serve/1", {{"metrics", url}}, {Note{"Prometheus is answered at " + url}}, {}};
}

Result<> serve(const Target& target, const ServeArguments& arguments, Output& output) {
    SL_TRY(endpoint, parse_listen(arguments.prometheus));
    // One that is down may come up; one that is not there is a slip of the pen.
    SL_CHECK(apart([&] { return open_instance(target); }));
    HttpServer server;
    SL_CHECK(bind_to(server, endpoint));
    output.print(serve_view(endpoint.text()));
    if (target.effect == Effect::plan) return {};
    Scraper scraper(target, arguments.top);
    set_up(server, scraper);
    // It takes bytes from anybody: no more than reading an instance needs. CAP_SYS_ADMIN is for its
    // network namespace (setns(2)).
    constexpr std::array<int, 4> to_read{CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN, CAP_SYS_ADMIN};
    SL_CHECK(keep_capabilities(to_read));
    const Interrupt interrupt;
    return listen(server);
}

}  // namespace

void add_serve_commands(CLI::App& app, Invocation& invocation) {
    auto arguments = std::make_shared<ServeArguments>();
    auto* command = add_command(
        app, "serve", "Answer Prometheus, in the foreground, until SIGTERM or Ctrl-C",
        "  sluice serve --prometheus 127.0.0.1:9100\n"
        "  sluice serve --prometheus [::1]:9100 --top 0\n"
        "  curl -s http://127.0.0.1:9100/metrics | grep sluice_dropped\n"
        "GET /metrics reads the instance, GET /healthz only answers. Packets do not need\n"
        "this process: it may be killed at any time.");
    command->add_option("--prometheus", arguments->prometheus, "Where to listen, by HTTP")
        ->type_name("ADDR:PORT")
        ->required();
    add_number(command, "--top", arguments->top, 0, top_most,
               "So many of those who send most; 0 saves the walk over all sessions")
        ->capture_default_str();
    command->callback([&invocation, arguments] {
        invocation.action = [&invocation, arguments](Output& output) {
            return serve(invocation.target, *arguments, output);
        };
    });
}

}  // namespace sluice::cli
