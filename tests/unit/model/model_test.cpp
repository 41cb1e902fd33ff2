// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <string_view>

#include "sluice/abi/reason.h"
#include "sluice/model/port.hpp"
#include "sluice/model/qos.hpp"
#include "sluice/model/switch.hpp"

namespace sluice {
namespace {

TEST(Words, OfRolesComeBack) {
    for (const Role role : {Role::access, Role::trunk, Role::uplink, Role::internal})
        EXPECT_EQ(parse_role(role_text(role)), role);
    EXPECT_EQ(role_text(Role::uplink), "uplink");
    const auto unknown = parse_role("Access");
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().code, ErrorCode::usage);
    EXPECT_EQ(unknown.error().hint, "it is one of access, trunk, uplink, internal");
}

TEST(Words, OfHooksComeBack) {
    for (const HookPolicy hook : {HookPolicy::automatic, HookPolicy::tc, HookPolicy::xdp})
        EXPECT_EQ(parse_hook(hook_text(hook)), hook);
    EXPECT_EQ(hook_text(HookPolicy::automatic), "auto");
    EXPECT_FALSE(parse_hook("automatic"));
}

TEST(Errno, DeniedIsPermissionAndAllElseFailed) {
    EXPECT_EQ(fail_errno(EPERM, "x").error().code, ErrorCode::permission);
    EXPECT_EQ(fail_errno(EACCES, "x").error().code, ErrorCode::permission);
    EXPECT_EQ(fail_errno(EACCES, "x").error().hint, "run it as root");
    EXPECT_EQ(fail_errno(EPERM, "x", "other hint").error().hint, "other hint");
    const Error error = fail_errno(ENOENT, "opening /x").error();
    EXPECT_EQ(error.code, ErrorCode::failed);
    EXPECT_EQ(error.message, "opening /x: No such file or directory");
    EXPECT_EQ(error.hint, "");
}

// Names are part of the JSON schema: what is in this list must stay, in this order.
TEST(DropReasons, KeepTheirNumbersAndNames) {
    struct Reason {
        int number;
        std::string_view name, meaning, mend;
    };
    const Reason reasons[] = {
#define REASON(id, name, meaning, mend) {SL_DROP_##id, name, meaning, mend},
        SL_DROP_REASONS(REASON)
#undef REASON
    };
    std::set<std::string_view> names;
    int number = 0;
    for (const Reason& reason : reasons) {
        EXPECT_EQ(reason.number, ++number) << reason.name;
        EXPECT_TRUE(names.insert(reason.name).second) << reason.name << " stands twice";
        EXPECT_FALSE(reason.meaning.empty());
        EXPECT_FALSE(reason.mend.empty());
    }
    EXPECT_EQ(SL_DROP_COUNT, number + 1);
    EXPECT_LE(static_cast<unsigned>(SL_DROP_COUNT), SL_DROP_MAX);
    EXPECT_EQ(reasons[0].name, "malformed");
    EXPECT_EQ(reasons[3].name, "ports-exhausted");
}

TEST(Words, OfTheSwitchComeBack) {
    for (const auto policy : {BpduPolicy::drop, BpduPolicy::forward, BpduPolicy::shut})
        EXPECT_EQ(parse_bpdu(bpdu_text(policy)), policy);
    for (const auto action : {LoopAction::report, LoopAction::block, LoopAction::shut})
        EXPECT_EQ(parse_loop(loop_text(action)), action);
    EXPECT_FALSE(parse_bpdu("block"));
    EXPECT_FALSE(parse_loop(""));
}

TEST(Priorities, ComeBackAsTheyWereWritten) {
    for (const auto* text : {"keep", "0", "5", "7", "0:1", "0:1,5:7"})
        EXPECT_EQ(priorities_text(parse_priorities(text).value()), text);
    EXPECT_EQ(parse_priorities("5").value(), (PriorityMap{5, 5, 5, 5, 5, 5, 5, 5}));
    EXPECT_EQ(parse_priorities("0:1,5:7").value(), (PriorityMap{1, 1, 2, 3, 4, 7, 6, 7}));
    EXPECT_EQ(priorities_text(parse_priorities("3:3").value()), "keep");
    for (const auto* wrong : {"8", "-1", "0:8", "8:0", "0:", ":1", "0:1:2", "a", "0-1"})
        EXPECT_EQ(parse_priorities(wrong).error().code, ErrorCode::usage) << wrong;
}

TEST(Translations, ComeBackAsTheyWereWritten) {
    for (const auto* text : {"none", "5:10", "5:10,4094:1"})
        EXPECT_EQ(translations_text(parse_translations(text).value()), text);
    for (const auto* wrong :
         {"5", "0:10", "5:0", "4095:1", "5:4095", "5:10,5:11", "5:10,6:10", "x:1"})
        EXPECT_EQ(parse_translations(wrong).error().code, ErrorCode::usage) << wrong;
}

TEST(Words, OfShapersComeBack) {
    for (const auto shaper : {Shaper::automatic, Shaper::htb, Shaper::fq, Shaper::police})
        EXPECT_EQ(parse_shaper(shaper_text(shaper)), shaper);
    EXPECT_EQ(shaper_text(Shaper::automatic), "auto");
    EXPECT_EQ(parse_shaper("tbf").error().hint, "it is one of auto, htb, fq, police");
}

TEST(ClassMaps, ComeBackAsTheyWereWritten) {
    for (const auto* text : {"off", "on", "46:6", "0:1,34:5,63:0"})
        EXPECT_EQ(pcp_of_dscp_text(parse_pcp_of_dscp(text).value()), text);
    for (const auto* text : {"off", "on", "5:46", "0:1,4:34,7:0"})
        EXPECT_EQ(dscp_of_pcp_text(parse_dscp_of_pcp(text).value()), text);
    EXPECT_EQ(parse_pcp_of_dscp("off").value(), std::nullopt);
    EXPECT_EQ(parse_dscp_of_pcp("off").value(), std::nullopt);
    EXPECT_EQ(pcp_of_dscp_text(parse_pcp_of_dscp("ef:6,af41:5").value()), "34:5,46:6");
    EXPECT_EQ(dscp_of_pcp_text(parse_dscp_of_pcp("5:ef").value()), "5:46");
    EXPECT_EQ(pcp_of_dscp_text(parse_pcp_of_dscp("34:4").value()), "on");
}

TEST(ClassMaps, AreTheClassSelectorsButForTheChanges) {
    const auto pcps = *parse_pcp_of_dscp("46:6").value();
    for (std::size_t dscp = 0; dscp < pcps.size(); ++dscp)
        EXPECT_EQ(pcps[dscp], dscp == 46 ? 6 : dscp / 8) << dscp;
    const auto dscps = *parse_dscp_of_pcp("5:46").value();
    for (std::size_t pcp = 0; pcp < dscps.size(); ++pcp)
        EXPECT_EQ(dscps[pcp], pcp == 5 ? 46 : 8 * pcp) << pcp;
}

TEST(ClassMaps, RefuseWhatIsNone) {
    for (const auto* text : {"", "5", "64:0", "0:8", "0:", ":0", "0:0:0", "-1:0", "ON", "on,0:1"})
        EXPECT_EQ(parse_pcp_of_dscp(text).error().code, ErrorCode::usage) << text;
    for (const auto* text : {"", "46", "8:0", "0:64", "0:", ":0", "ef:5", "0:-1", "keep"})
        EXPECT_EQ(parse_dscp_of_pcp(text).error().code, ErrorCode::usage) << text;
    EXPECT_EQ(parse_pcp_of_dscp("46:5,ef:6").error().message, "\"46:5,ef:6\" maps ef twice");
    EXPECT_EQ(parse_dscp_of_pcp("5:46,5:46").error().message, "\"5:46,5:46\" maps 5 twice");
}

}  // namespace
}  // namespace sluice
