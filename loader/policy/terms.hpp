// SPDX-License-Identifier: GPL-2.0-or-later
// Who is at an end of a session, as a policy file names it; and its groups.
#pragma once

#include "loader/base/yaml_text.hpp"
#include "loader/policy/file.hpp"

namespace sluice {

/// What the readers of values need: the file so far, and where the value stands.
struct PolicyReader {
    PolicyFile& policy;
    YAML::Mark mark = {};
};

[[nodiscard]] Result<PolicyTerm> parse_vm_term(std::string_view name);
[[nodiscard]] Result<PolicyTerm> parse_port_term(std::string_view name);
/// Errors: usage, with the group that may have been meant.
[[nodiscard]] Result<PolicyTerm> parse_group_term(std::string_view name, const PolicyFile& policy);

/// Remembers where VMs and ports stand first.
void note_name(PolicyReader& reader, const PolicyTerm& term);

/// A prefix, vm:NAME, port:IF, or a group.
[[nodiscard]] Result<> read_term(std::string_view text, PolicyReader& reader,
                                 std::vector<PolicyTerm>& terms);

[[nodiscard]] Result<> read_groups(const YamlFile& file, const YAML::Node& groups,
                                   PolicyReader& reader);

}  // namespace sluice
