#include "sluice/model.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace sluice {
namespace {

constexpr std::array<std::pair<Role, std::string_view>, 3> roles{{
    {Role::access, "access"},
    {Role::trunk, "trunk"},
    {Role::uplink, "uplink"},
}};

constexpr std::array<std::pair<HookPolicy, std::string_view>, 3> hooks{{
    {HookPolicy::automatic, "auto"},
    {HookPolicy::tc, "tc"},
    {HookPolicy::xdp, "xdp"},
}};

template <class Value, std::size_t Count>
Result<Value> parse_word(std::string_view text,
                         const std::array<std::pair<Value, std::string_view>, Count>& words,
                         std::string_view what) {
    std::string known;
    for (const auto& [value, word] : words) {
        if (word == text) return value;
        known += fmt::format("{}{}", known.empty() ? "" : ", ", word);
    }
    return fail(ErrorCode::usage, fmt::format("`{}` is not a {}", text, what),
                "it is one of " + known);
}

template <class Value, std::size_t Count>
std::string_view word_of(Value value,
                         const std::array<std::pair<Value, std::string_view>, Count>& words) {
    for (const auto& [known, word] : words)
        if (known == value) return word;
    std::unreachable();
}

}  // namespace

Result<Role> parse_role(std::string_view text) { return parse_word(text, roles, "role"); }

std::string_view role_text(Role role) { return word_of(role, roles); }

Result<HookPolicy> parse_hook(std::string_view text) {
    return parse_word(text, hooks, "hook policy");
}

std::string_view hook_text(HookPolicy hook) { return word_of(hook, hooks); }

}  // namespace sluice
