// SPDX-License-Identifier: GPL-2.0-or-later
// The real binary, command after command at random, while frames come from all sides: before the
// instance is up, while it goes up, changes and goes down, and after it, no frame gets out
// untranslated, spoofed or unjudged. A sequence that lets one out is shrunk and told, as in
// sequence_test.cpp; SLUICE_SEQUENCE_COMMANDS=N is how many sequences there are.
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/sequence/crossfire.hpp"
#include "tests/sequence/events.hpp"
#include "tests/sequence/must.hpp"
#include "tests/sequence/rules_text.hpp"
#include "tests/sequence/seed.hpp"
#include "tests/sequence/shrink.hpp"

namespace sluice::test::sequence {
namespace {

using namespace std::chrono_literals;

enum class Order : std::uint8_t {
    down,
    up,
    restore,
    port_del,
    port_add,
    port_flows,
    vm_xdp,
    vm_tc,
    wan_xdp,
    wan_tc,
    forward_add,
    forward_del,
    masquerade_del,
    masquerade_add,
    policy_load,
    policy_clear,
    route_thin,
    route_none,
    route_wan,
};
/// How often each is drawn: what makes or takes away all at once is where frames slip through.
constexpr std::array weights{4, 5, 3, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1, 2};

std::string command_of(Order order) {
    switch (order) {
        case Order::down:
            return "down";
        case Order::up:
            return "up";
        case Order::restore:
            return "restore";
        case Order::port_del:
            return "port del lan0";
        case Order::port_add:
            return "port add lan0 --role access";
        case Order::port_flows:
            return "port set lan0 --flows routed";
        case Order::vm_xdp:
            return "port set lan0 --hook xdp";
        case Order::vm_tc:
            return "port set lan0 --hook tc";
        case Order::wan_xdp:
            return "port set wan0 --hook xdp";
        case Order::wan_tc:
            return "port set wan0 --hook tc";
        case Order::forward_add:
            return "nat forward add --proto udp --external 192.0.2.1:5000 --internal 10.0.0.2:5001";
        case Order::forward_del:
            return "nat forward del --proto udp --external 192.0.2.1:5000";
        case Order::masquerade_del:
            return "nat masquerade del --source 10.0.0.0/23 --uplink wan0";
        case Order::masquerade_add:
            return "nat masquerade add --source 10.0.0.0/23 --uplink wan0 --ports 2000-30000";
        case Order::policy_load:
            return "policy load " + policy_file(Policy::no_dns);
        case Order::policy_clear:
            return "policy clear";
        case Order::route_thin:
            return "ip route replace default dev thin0";
        case Order::route_none:
            return "ip route del default";
        case Order::route_wan:
            return "ip route replace default dev wan0";
    }
    return "?";
}

struct Orders {
    std::vector<Order> all;
};

rc::Gen<Orders> sequences_of_orders() {
    const auto one = rc::gen::map(weighted({weights.begin(), weights.end()}),
                                  [](std::size_t number) { return static_cast<Order>(number); });
    return rc::gen::map(rc::gen::container<std::vector<Order>>(one),
                        [](std::vector<Order> all) { return Orders{std::move(all)}; });
}

/// The instance by its commands, and what is in force of it.
class Commanded {
public:
    Commanded() {
        must(test::write_sysctl("net/ipv4/conf/all/forwarding", "0"));
        must(test::write_sysctl("net/ipv6/conf/all/forwarding", "0"));
        for (const Link& link : ports)
            must(test::write_sysctl(fmt::format("net/ipv4/conf/{}/forwarding", link.name), "0"));
    }
    ~Commanded() { (void)run("down --purge"); }

    /// Everything is there, whatever a sequence has left.
    void settle() {
        do_it(Order::route_wan);
        for (const char* command :
             {"up --max-flows 4096 --max-bindings 4096", "port add lan0 --role access --hook tc",
              "port add lan1 --role access --hook tc", "port add wan0 --role uplink --hook tc",
              "port add thin0 --role uplink --hook tc"})
            (void)run(command);
        for (const Order order : {Order::policy_clear, Order::forward_del, Order::masquerade_add})
            (void)do_it(order);
        (void)fire_.take_fault();  // a sequence has it of its own
    }

    std::optional<Fault> do_it(Order order) {
        InForce next = in_force_;
        switch (order) {
            case Order::masquerade_del:
                next.masquerade = false;
                break;
            case Order::policy_clear:
                next.policy = false;
                break;
            case Order::route_wan:
            case Order::route_none:
            case Order::route_thin:
                ground_.set_route(order == Order::route_none   ? std::nullopt
                                  : order == Order::route_thin ? std::optional(At::thin)
                                                               : std::optional(At::wan));
                fire_.watch(5ms);
                return fire_.take_fault();
            default:
                break;
        }
        const InForce before = in_force_;
        force(next);
        const int code = run(command_of(order));
        if (code != 0) force(before);
        if (code == 0 && order == Order::masquerade_add) next.masquerade = true;
        if (code == 0 && order == Order::policy_load) next.policy = true;
        if (code == 0) force(next);
        fire_.watch(10ms);
        if (auto fault = fire_.take_fault()) return fault;
        if (code == 1) return Fault{"command", command_of(order) + " failed: " + said_};
        return std::nullopt;
    }

    [[nodiscard]] std::uint64_t carried() const { return fire_.carried(); }

private:
    void force(const InForce& in_force) {
        fire_.set_in_force(in_force);
        in_force_ = in_force;
    }

    /// @return the exit code
    int run(const std::string& arguments) {
        const std::string log = policy_file(Policy::none) + ".out";
        std::vector<std::string> words{SLUICE_BINARY, "--instance", instance_};
        std::istringstream text(arguments);
        for (std::string word; text >> word;) words.push_back(word);
        std::vector<char*> argv;
        for (auto& word : words) argv.push_back(word.data());
        argv.push_back(nullptr);
        posix_spawn_file_actions_t files;
        posix_spawn_file_actions_init(&files);
        posix_spawn_file_actions_addopen(&files, 1, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC,
                                         0600);
        posix_spawn_file_actions_adddup2(&files, 1, 2);
        pid_t child = 0;
        if (posix_spawn(&child, SLUICE_BINARY, &files, nullptr, argv.data(), environ) != 0)
            give_up("can't start " SLUICE_BINARY);
        posix_spawn_file_actions_destroy(&files);
        int status = 0;
        while (waitpid(child, &status, WNOHANG) == 0) fire_.watch(1ms);
        std::getline(std::ifstream(log), said_);
        return WEXITSTATUS(status);
    }

    std::string instance_ = fmt::format("seq-{}-commands", getpid());
    Ground ground_;
    Crossfire fire_{ground_};
    InForce in_force_;
    std::string said_;
};

struct Broken {
    std::vector<Order> orders;
    std::size_t at = 0;
    Fault fault;
};

std::optional<Broken> broken_by(Commanded& commanded, const std::vector<Order>& orders,
                                const Properties& known) {
    commanded.settle();
    for (std::size_t at = 0; at < orders.size(); ++at)
        if (auto fault = commanded.do_it(orders[at]); fault && !known.contains(fault->property))
            return Broken{orders, at, std::move(*fault)};
    return std::nullopt;
}

Broken smallest(Commanded& commanded, const rc::Shrinkable<Orders>& from, Broken broken,
                const Properties& known) {
    constexpr int most_shrinks = 25;
    int tried = 0;
    return shrunk(
        from, std::move(broken),
        [&](const Orders& orders) { return broken_by(commanded, orders.all, known); },
        [&] { return ++tried <= most_shrinks; });
}

std::string told(const Broken& broken) {
    std::string text = "from: up, four ports, a masquerade of both VMs' networks on wan0";
    for (const Order order : broken.orders) text += "\n  " + command_of(order);
    return text + fmt::format("\n  -> at line {}, {}: {}", broken.at + 1, broken.fault.property,
                              broken.fault.what);
}

TEST(Commands, NothingGetsOutMeanwhile) {
    constexpr int longest_sequence = 8;
    const auto count =
        number_from("SLUICE_SEQUENCE_COMMANDS").value_or(std::getenv("SLUICE_TEST_LONG") ? 500 : 6);
    const auto generator = sequences_of_orders();
    std::uint64_t seed = first_seed();
    Commanded commanded;
    Properties broken = known_properties();
    for (std::uint64_t done = 0; done < count; ++done, ++seed) {
        const auto drawn = generator(rc::Random(seed), longest_sequence);
        auto found = broken_by(commanded, drawn.value().all, broken);
        if (!found) continue;
        ADD_FAILURE() << "after " << done << " sequences; seed " << seed << "\n"
                      << told(smallest(commanded, drawn, *found, broken));
        broken.insert(found->fault.property);
    }
    // It would pass as well if nothing were carried at all.
    EXPECT_GT(commanded.carried(), 100 * count);
    std::cout << count << " sequences, " << commanded.carried() << " frames carried\n";
}

}  // namespace
}  // namespace sluice::test::sequence
