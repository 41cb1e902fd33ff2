// SPDX-License-Identifier: GPL-2.0-or-later
// The value model: what a command answers. JSON is the value itself; text is the value seen
// through a layout. Every command fills one Document, so that the two can't disagree.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <variant>
#include <vector>

#include "sluice/error.hpp"

namespace sluice::cli {

using Json = nlohmann::ordered_json;

/// How text writes a value; JSON always carries it plain.
enum class Format {
    plain,        ///< strings as they are; lists joined by commas; booleans yes, no
    count,        ///< a number, right-aligned
    bytes,        ///< a number of bytes, in units
    duration,     ///< a number of seconds, as `5m`
    wait,         ///< a short number of seconds, as `1.5 ms`
    bit_rate,     ///< bits a second, as `941 Mbit/s`; 0 is `0`
    limit,        ///< the same as a limit: 0 is `blocked`
    packet_rate,  ///< packets a second, as a limit: `20 kpps`
    percent,      ///< a share of 1
    endpoint,     ///< {"address", "port"} as ADDRESS:PORT; port 0 is left out
    translation,  ///< of a session, the ends that change; `pointer` is empty
    usage,        ///< {"used", "capacity"} as `12 of 1000`
    last_event,   ///< {"time", "port", "text"} as `last TIME at PORT: TEXT`
};

/// One column of a table, or one line of facts. `pointer` is a JSON pointer (RFC 6901) from
/// the row. A missing or null value is written `-`.
struct Field {
    // Pointers are parsed once, not for each of a million rows.
    Field(std::string its_title, const std::string& its_pointer, Format its_format = Format::plain,
          std::size_t its_width = 0)
        : title(std::move(its_title)), pointer(its_pointer), format(its_format), width(its_width) {}

    std::string title;
    Json::json_pointer pointer;
    Format format;
    std::size_t width;  ///< at least so wide; streamed tables can't measure their rows
};

/// A line of text for people; not part of the JSON.
struct Note {
    std::string text;
};

/// `title  value` lines of one object.
struct Facts {
    std::string pointer;  ///< of the object in the body; empty = the body itself
    std::vector<Field> fields;
};

/// One line for each element of an array.
struct Table {
    std::string heading;  ///< may be empty
    std::string pointer;  ///< of the array in the body
    std::vector<Field> columns;
    std::string when_empty;           ///< printed instead of a table without rows
    std::vector<Field> remarks = {};  ///< too long for a column: each on a line of its own
};

using Section = std::variant<Note, Facts, Table>;

struct Document {
    std::string schema;  ///< "sluice.<object>.<action>/1"
    Json body = Json::object();
    std::vector<Section> layout;
    std::vector<std::string> warnings;
    std::vector<Error> failures{};  ///< parts that could not be done: exit code 7
};

}  // namespace sluice::cli
