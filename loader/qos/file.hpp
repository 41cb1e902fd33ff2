// SPDX-License-Identifier: GPL-2.0-or-later
// The YAML that `qos load` takes:
//
//   vms:
//     - name: web1            # a VM with a lease at a port, or
//       port: tap0            # the port
//       bandwidth: 1Gbps      # both directions, or
//       ingress: 500Mbps      # from the VM
//       egress: 1gbit         # to it
//       pps: 100kpps
//       latency: 2ms
//       ingress-burst: 256kb
//       egress-burst: 256kb
//       shaper: auto
//   classes:
//     - name: voice
//       match: [app=voip]
//       priority: 0
//       max: 20%
//       dscp: ef
//     - name: web
//       match: "proto=tcp port=80,443"
//       weight: 4
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "loader/qos/commands.hpp"

namespace sluice {

struct QosFileEntry {
    std::string vm, port;  ///< either may be empty, not both
    QosChange change;
    int line = 0;  ///< 1 on, for messages
};

struct QosFile {
    std::vector<QosFileEntry> vms;
    std::vector<QosClassSpec> classes;
};

/// Errors: usage, `NAME:LINE:COLUMN: what is wrong`, with a hint. Unknown keys, keys given twice,
/// a VM or a port twice, `bandwidth` beside `ingress` or `egress` are errors.
/// @param name of the file, for messages
[[nodiscard]] Result<QosFile> parse_qos_file(std::string_view text, std::string_view name);

}  // namespace sluice
