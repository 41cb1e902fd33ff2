// SPDX-License-Identifier: GPL-2.0-or-later
// sluice-gen: sends, receives and forwards test packets as fast as the kernel can. See
// docs/guide/performance.md. One JSON document on stdout; errors on stderr.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "loader/kernel/netns.hpp"
#include "sluice/units.hpp"
#include "tests/bench/echo.hpp"
#include "tests/bench/floor.hpp"
#include "tests/bench/load.hpp"
#include "tests/bench/send.hpp"
#include "tests/bench/sink.hpp"
#include "tests/bench/timing.hpp"

namespace {

using nlohmann::ordered_json;
using sluice::ErrorCode;
using sluice::Result;

struct Arguments {
    std::string netns, interface;

    std::string from, to, source = "10.0.0.10", remote = "198.19.0.1", ports = "1024-65535";
    std::string duration = "1s", rate = "0", count = "1", first = "0", packets = "0", macs = "1",
                stride = "1";
    std::uint32_t hosts = 1, remotes = 1;
    sluice::bench::SendSpec send;

    std::string check;
    bool beside = false;
    sluice::bench::AskSpec ask;
    std::uint16_t port = 0;
    std::uint32_t map = 0;
    sluice::bench::Hook hook = sluice::bench::Hook::tc;
    std::uint32_t program = 0;
    std::string out;
    std::vector<std::string> objects;
};

Result<std::uint32_t> parse_u32(const std::string& text) {
    SL_TRY(count, sluice::parse_count(text));
    if (count > UINT32_MAX) return sluice::fail(ErrorCode::usage, text + " is too many");
    return static_cast<std::uint32_t>(count);
}

Result<sluice::bench::FrameSpec> frame_spec(const Arguments& arguments) {
    sluice::bench::FrameSpec spec = arguments.send.frame;
    SL_TRY(from, sluice::MacAddress::parse(arguments.from));
    SL_TRY(to, sluice::MacAddress::parse(arguments.to));
    SL_TRY(source, sluice::Address::parse(arguments.source));
    SL_TRY(remote, sluice::Address::parse(arguments.remote));
    spec.from = from;
    spec.to = to;
    spec.source = source;
    spec.remote = remote;
    return spec;
}

Result<bench_flows> flows_spec(const Arguments& arguments) {
    SL_TRY(ports, sluice::PortRange::parse(arguments.ports));
    SL_TRY(first, parse_u32(arguments.first));
    SL_TRY(count, parse_u32(arguments.count));
    SL_TRY(macs, parse_u32(arguments.macs));
    SL_TRY(stride, parse_u32(arguments.stride));
    if (macs == 0) return sluice::fail(ErrorCode::usage, "--macs is 0");
    return bench_flows{.first = first,
                       .count = count,
                       .hosts = arguments.hosts,
                       .ports = ports.size(),
                       .remotes = arguments.remotes,
                       .source = 0,
                       .remote = 0,
                       .sport = ports.first,
                       .macs = macs,
                       .stride = stride};
}

Result<sluice::bench::SendSpec> send_spec(const Arguments& arguments) {
    sluice::bench::SendSpec spec = arguments.send;
    spec.interface = arguments.interface;
    SL_TRY(frame, frame_spec(arguments));
    SL_TRY(flows, flows_spec(arguments));
    SL_TRY(packets, parse_u32(arguments.packets));
    SL_TRY(duration, sluice::parse_duration(arguments.duration));
    spec.frame = frame;
    spec.flows = flows;
    spec.packets = packets;
    spec.duration = duration;
    SL_TRY(rate, parse_u32(arguments.rate));
    if (rate != 0 && packets != 0)
        return sluice::fail(ErrorCode::usage, "--rate goes with --duration, not with --packets");
    spec.rate = rate;
    return spec;
}

Result<ordered_json> run_send(const Arguments& arguments) {
    SL_TRY(spec, send_spec(arguments));
    SL_TRY(report, sluice::bench::send(spec));
    return ordered_json{{"packets", report.packets}, {"rate", report.rate}};
}

Result<ordered_json> run_time(const Arguments& arguments) {
    SL_TRY(frame, frame_spec(arguments));
    SL_TRY(flows, flows_spec(arguments));
    SL_TRY(timing, sluice::bench::time_program({.hook = arguments.hook,
                                                .program = arguments.program,
                                                .interface = arguments.interface,
                                                .frame = frame,
                                                .flows = flows,
                                                .cpu = arguments.send.cpu}));
    return ordered_json{{"nanoseconds", timing.nanoseconds}, {"verdict", timing.verdict}};
}

Result<ordered_json> run_sink(const Arguments& arguments) {
    std::optional<sluice::Prefix> check;
    if (!arguments.check.empty()) {
        SL_TRY(prefix, sluice::Prefix::parse(arguments.check));
        check = prefix;
    }
    SL_TRY(map, sluice::bench::attach_sink(arguments.interface, check, arguments.beside));
    return ordered_json{{"map", map}};
}

Result<ordered_json> run_read(const Arguments& arguments) {
    SL_TRY(seen, sluice::bench::read_sink(arguments.map));
    return ordered_json{{"packets", seen.packets},     {"bytes", seen.bytes},
                        {"foreign", seen.foreign},     {"bad_checksum", seen.bad_checksum},
                        {"reordered", seen.reordered}, {"untranslated", seen.untranslated},
                        {"unrouted", seen.unrouted}};
}

Result<ordered_json> run_echo(const Arguments& arguments) {
    SL_CHECK(sluice::bench::echo(arguments.port, arguments.ask.cpu));
    return ordered_json::object();
}

Result<ordered_json> run_ask(const Arguments& arguments) {
    sluice::bench::AskSpec spec = arguments.ask;
    SL_TRY(host, sluice::Address::parse(arguments.remote));
    SL_TRY(duration, sluice::parse_duration(arguments.duration));
    spec.host = host;
    spec.port = arguments.port;
    spec.duration = duration;
    SL_TRY(trips, sluice::bench::ask(spec));
    return ordered_json{{"requests", trips.requests},
                        {"lost", trips.lost},
                        {"p50", trips.p50},
                        {"p99", trips.p99},
                        {"p99.9", trips.p999}};
}

Result<ordered_json> run_floor(const Arguments& arguments) {
    SL_CHECK(sluice::bench::attach_floor(arguments.hook, arguments.interface, arguments.out));
    return ordered_json::object();
}

Result<ordered_json> run_drop(const Arguments& arguments) {
    SL_CHECK(sluice::bench::attach_drop_floor(arguments.interface));
    return ordered_json::object();
}

Result<ordered_json> run_load(const Arguments& arguments) {
    ordered_json programs = ordered_json::object(), maps = ordered_json::object();
    for (const std::string& path : arguments.objects) {
        SL_TRY(loaded, sluice::bench::load_object(path));
        for (const auto& cost : loaded.programs)
            programs[cost.program] = {{"verified", cost.verified},
                                      {"instructions", cost.instructions},
                                      {"native_bytes", cost.native_bytes},
                                      {"stack", cost.stack.bytes}};
        for (const auto& map : loaded.maps)
            maps[map.name] = {{"bytes", map.bytes}, {"bytes_per_session", map.per_session}};
    }
    return ordered_json{{"programs", programs}, {"maps", maps}};
}

void describe_frames(CLI::App& command, Arguments& arguments) {
    command.add_option("--from", arguments.from, "source MAC")->required();
    command.add_option("--to", arguments.to, "destination MAC")->required();
    command.add_option("--source", arguments.source, "first internal host")->capture_default_str();
    command.add_option("--hosts", arguments.hosts)->check(CLI::PositiveNumber);
    command.add_option("--stride", arguments.stride, "from one host's address to the next");
    command.add_option("--ports", arguments.ports, "source ports")->capture_default_str();
    command.add_option("--remote", arguments.remote, "first remote")->capture_default_str();
    command.add_option("--remotes", arguments.remotes)->check(CLI::PositiveNumber);
    command.add_option("--macs", arguments.macs, "hosts that send, and as many that receive");
    command.add_option("--flows", arguments.count, "how many flows are sent");
    command.add_option("--first", arguments.first, "number of the first flow");
    command.add_option("--size", arguments.send.frame.size, "bytes of a frame, without FCS")
        ->capture_default_str();
    command.add_option("--cpu", arguments.send.cpu)->capture_default_str();
}

void describe_send(CLI::App& command, Arguments& arguments) {
    command.add_option("interface", arguments.interface, "sent out of")->required();
    describe_frames(command, arguments);
    CLI::Option* random = command.add_flag_callback(
        "--random", [&] { arguments.send.order = BENCH_UNIFORM; },
        "draw flows uniformly; else in turn");
    command
        .add_option_function<double>(
            "--zipf",
            [&](double exponent) {
                arguments.send.order = BENCH_ZIPF;
                arguments.send.zipf = exponent;
            },
            "draw flow n (n + 1)^-EXPONENT times as often as flow 0")
        ->type_name("EXPONENT")
        ->check(CLI::NonNegativeNumber)
        ->excludes(random);
    command.add_option("--seed", arguments.send.seed, "of what is drawn")
        ->check(CLI::PositiveNumber);
    command.add_option("--rate", arguments.rate, "packets a second; 0 = as fast as can be");
    command.add_option("--packets", arguments.packets, "how many; 0 = by --duration");
    command.add_option("--duration", arguments.duration)->capture_default_str();
}

void describe_hook(CLI::App& command, Arguments& arguments) {
    const std::map<std::string, sluice::bench::Hook> hooks{{"tc", sluice::bench::Hook::tc},
                                                           {"xdp", sluice::bench::Hook::xdp}};
    command.add_option("hook", arguments.hook)
        ->required()
        ->transform(CLI::CheckedTransformer(hooks));
}

void describe_time(CLI::App& command, Arguments& arguments) {
    describe_hook(command, arguments);
    command.add_option("program", arguments.program, "id")->required();
    command.add_option("interface", arguments.interface, "that frames seem to enter by")
        ->required();
    command.add_option("--vlan", arguments.send.frame.vlan, "of frames for tc; 0 = no tag");
    describe_frames(command, arguments);
}

using Run = Result<ordered_json> (*)(const Arguments&);

/// Describes the commands; the one that was given is called by `run`.
void describe(CLI::App& app, Arguments& arguments, Run& run) {
    app.require_subcommand(1);
    app.add_option("--netns", arguments.netns, "network namespace to work in");
    const auto add = [&](const char* name, const char* text, Run runner) {
        CLI::App* command = app.add_subcommand(name, text);
        command->callback([&run, runner] { run = runner; });
        return command;
    };
    describe_send(*add("send", "send UDP packets and say how fast", run_send), arguments);

    describe_time(*add("time", "nanoseconds that a program takes for a UDP packet", run_time),
                  arguments);

    CLI::App* sink = add("sink", "count and drop all that enters an interface", run_sink);
    sink->add_option("interface", arguments.interface)->required();
    sink->add_flag("--beside", arguments.beside, "leave others' packets to the host");
    sink->add_option("--check", arguments.check,
                     "check every packet; the senders' network, which NAT must hide");

    CLI::App* read = add("read", "what a sink has counted", run_read);
    read->add_option("map", arguments.map, "as `sink` said")->required();

    CLI::App* echo = add("echo", "answer UDP, until stopped", run_echo);
    echo->add_option("port", arguments.port)->required();
    echo->add_option("--cpu", arguments.ask.cpu)->capture_default_str();

    CLI::App* ask = add("ask", "round trips to an echo: their percentiles in us", run_ask);
    ask->add_option("host", arguments.remote)->required();
    ask->add_option("port", arguments.port)->required();
    ask->add_option("--duration", arguments.duration)->capture_default_str();
    ask->add_option("--cpu", arguments.ask.cpu)->capture_default_str();

    CLI::App* floor = add("floor", "redirect all that enters an interface", run_floor);
    describe_hook(*floor, arguments);
    floor->add_option("interface", arguments.interface)->required();
    floor->add_option("out", arguments.out)->required();

    CLI::App* load = add("load", "what BPF objects cost that are loaded, and their maps", run_load);
    load->add_option("object", arguments.objects, "files")->required();

    CLI::App* drop = add("drop", "drop all that enters an interface, in XDP", run_drop);
    drop->add_option("interface", arguments.interface)->required();
}

Result<ordered_json> execute(const Arguments& arguments, Run run) {
    if (!arguments.netns.empty()) SL_CHECK(sluice::enter_netns(arguments.netns));
    return run(arguments);
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("Packet generator, sink and floors of sluice's benchmarks", "sluice-gen");
    Arguments arguments;
    Run run = nullptr;
    describe(app, arguments, run);
    CLI11_PARSE(app, argc, argv);

    const Result<ordered_json> done = execute(arguments, run);
    if (!done) {
        std::fprintf(stderr, "sluice-gen: %s%s%s\n", done.error().message.c_str(),
                     done.error().hint.empty() ? "" : "\nhint: ", done.error().hint.c_str());
        return static_cast<int>(done.error().code);
    }
    std::puts(done->dump().c_str());
}
