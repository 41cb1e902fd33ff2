// SPDX-License-Identifier: GPL-2.0-or-later
// Flow records as Suricata writes them to eve.json, so that what reads those reads ours.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "loader/flow/log.hpp"

namespace sluice {

/// A record of type `flow` of a session that ended. Suricata's field names and words; what it has
/// no field for is in `sluice`. Source: Suricata user guide, "EVE JSON Format", event types flow.
[[nodiscard]] nlohmann::ordered_json eve_flow(const FlowRecord& record);

/// Appends to a file that others may move away (log rotation): looked for before each write.
class EveFile {
public:
    /// @param path "-" is standard output. Errors: as the file system says.
    [[nodiscard]] static Result<EveFile> open(const std::string& path);
    EveFile(EveFile&& other) noexcept;
    EveFile& operator=(EveFile&&) = delete;
    EveFile(const EveFile&) = delete;
    ~EveFile();

    /// All of it, or an error: lines are whole.
    [[nodiscard]] Result<> append(const std::string& lines);

private:
    EveFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
    [[nodiscard]] Result<> follow_path();

    std::string path_;
    int fd_;
};

}  // namespace sluice
