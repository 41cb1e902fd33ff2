#include "sluice/model.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <string_view>

#include "sluice/abi/reason.h"

namespace sluice {
namespace {

TEST(Words, OfRolesComeBack) {
    for (const Role role : {Role::access, Role::trunk, Role::uplink})
        EXPECT_EQ(parse_role(role_text(role)), role);
    EXPECT_EQ(role_text(Role::uplink), "uplink");
    const auto unknown = parse_role("Access");
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().code, ErrorCode::usage);
    EXPECT_EQ(unknown.error().hint, "it is one of access, trunk, uplink");
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

}  // namespace
}  // namespace sluice
