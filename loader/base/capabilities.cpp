// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/base/capabilities.hpp"

#include <sys/capability.h>
#include <sys/prctl.h>

#include <cerrno>
#include <memory>
#include <type_traits>

namespace sluice {
namespace {

struct Free {
    void operator()(cap_t capabilities) const { cap_free(capabilities); }
};
using Capabilities = std::unique_ptr<std::remove_pointer_t<cap_t>, Free>;

bool is_effective(const Capabilities& capabilities, int capability) {
    cap_flag_value_t value = CAP_CLEAR;
    return capabilities != nullptr &&
           cap_get_flag(capabilities.get(), capability, CAP_EFFECTIVE, &value) == 0 &&
           value == CAP_SET;
}

}  // namespace

bool has_capability(int capability) {
    return is_effective(Capabilities(cap_get_proc()), capability);
}

Result<> keep_capabilities(std::span<const int> kept) {
    const Capabilities now(cap_get_proc()), wanted(cap_init());
    if (now == nullptr || wanted == nullptr) return fail_errno(errno, "reading capabilities");
    for (const cap_value_t capability : kept)
        if (is_effective(now, capability))
            for (const auto set : {CAP_PERMITTED, CAP_EFFECTIVE})
                cap_set_flag(wanted.get(), set, 1, &capability, CAP_SET);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || cap_set_proc(wanted.get()) != 0)
        return fail_errno(errno, "giving up capabilities");
    return {};
}

}  // namespace sluice
