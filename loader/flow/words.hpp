// SPDX-License-Identifier: GPL-2.0-or-later
// The words for what a session is, as it is shown and as filters name it.
#pragma once

#include "loader/base/words.hpp"
#include "loader/flow/session.hpp"

namespace sluice {

constexpr Words<SessionState, 7> session_states{{
    {SessionState::unreplied, "unreplied"},
    {SessionState::replied, "replied"},
    {SessionState::syn_sent, "syn-sent"},
    {SessionState::syn_received, "syn-received"},
    {SessionState::established, "established"},
    {SessionState::closing, "closing"},
    {SessionState::closed, "closed"},
}};

constexpr Words<NatKind, 4> nat_kinds{{
    {NatKind::none, "none"},
    {NatKind::snat, "snat"},
    {NatKind::dnat, "dnat"},
    {NatKind::hairpin, "hairpin"},
}};

constexpr Words<FlowPath, 3> flow_paths{{
    {FlowPath::routed, "routed"},
    {FlowPath::switched, "switched"},
    {FlowPath::local, "local"},
}};

/// FlowVerdict::none has no word.
constexpr Words<FlowVerdict, 2> flow_verdicts{{
    {FlowVerdict::allow, "allow"},
    {FlowVerdict::deny, "deny"},
}};

}  // namespace sluice
